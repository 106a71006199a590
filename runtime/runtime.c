/*
 * runtime.c - creates and frees runtimes: a device, a kernel set, threads,
 * scratch memory. Multiplies nothing: multiply.c does.
 */
#include "runtime/runtime.h"

#include <stdlib.h>

#include "base/cpu.h"
#include "base/error.h"
#include "runtime/device.h"

/* Adds the device to a runtime of the CPU. To ask for kernels by name is to
 * ask for the CPU. */
static quire_status open_device(quire_runtime *runtime,
				const quire_runtime_options *options,
				quire_error *error)
{
	quire_status status;

	runtime->device = QUIRE_DEVICE_CPU;
	if (options->device == QUIRE_DEVICE_CPU ||
	    (options->device == QUIRE_DEVICE_BEST && options->kernels))
		return QUIRE_OK;
	runtime->device_only = options->device == QUIRE_DEVICE_METAL;
	status = quire_metal_open(&runtime->accelerator,
				  runtime->device_only ? error : NULL);
	if (status == QUIRE_OK)
		runtime->device = QUIRE_DEVICE_METAL;
	return runtime->device_only ? status : QUIRE_OK;
}

quire_status quire_runtime_create_with(const struct kernel_set *set,
				       const quire_runtime_options *options,
				       quire_runtime **runtime,
				       quire_error *error)
{
	quire_runtime *created = calloc(1, sizeof(*created));
	quire_status status;

	if (!created)
		return quire_fail_memory(error, sizeof(*created));
	quire_kernel_table_fill(&created->kernels, set);
	status = quire_crew_init(&created->crew, options->threads,
				 options->parallel_for, options->pool);
	if (status != QUIRE_OK) {
		quire_fail_threads(error, status, options->threads);
		goto out;
	}
	status = quire_scratch_init(&created->scratch, error);
	if (status != QUIRE_OK)
		goto out;
	status = quire_prepacked_init(&created->prepacked, error);
	if (status != QUIRE_OK) {
		quire_scratch_destroy(&created->scratch);
		goto out;
	}
	status = open_device(created, options, error);
	if (status != QUIRE_OK) {
		quire_prepacked_destroy(&created->prepacked);
		quire_scratch_destroy(&created->scratch);
		goto out;
	}
	*runtime = created;
	created = NULL;
out:
	if (created)
		quire_crew_destroy(&created->crew);
	free(created);
	return status;
}

static bool is_device(quire_device device)
{
	switch (device) {
	case QUIRE_DEVICE_METAL:
	case QUIRE_DEVICE_BEST:
	case QUIRE_DEVICE_CPU:
		return true;
	}
	return false;
}

quire_status quire_runtime_create(const quire_runtime_options *options,
				  quire_runtime **runtime, quire_error *error)
{
	static const quire_runtime_options defaults;
	const struct kernel_set *set;
	quire_status status;

	if (!options)
		options = &defaults;
	if (!is_device(options->device))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "device %d: there is none of this number",
				  (int)options->device);
	status = quire_kernel_set_choose(options->kernels, quire_cpu_features(),
					 &set, error);
	return status == QUIRE_OK
		   ? quire_runtime_create_with(set, options, runtime, error)
		   : status;
}

void quire_runtime_free(quire_runtime *runtime)
{
	if (!runtime)
		return;
	if (runtime->accelerator.ops)
		runtime->accelerator.ops->close(runtime->accelerator.device);
	quire_crew_destroy(&runtime->crew);
	quire_prepacked_destroy(&runtime->prepacked);
	quire_scratch_destroy(&runtime->scratch);
	free(runtime);
}

void quire_runtime_describe(const quire_runtime *runtime,
			    quire_runtime_info *info)
{
	*info = (quire_runtime_info){
		.device = runtime->device,
		.kernels = runtime->kernels.set->name,
		.threads = runtime->crew.threads,
		.prepacked_size = atomic_load(&runtime->prepacked.size),
	};
	if (runtime->accelerator.ops)
		runtime->accelerator.ops->describe(runtime->accelerator.device,
						   info);
}
