/*
 * runtime.c - creates and frees runtimes: a device, a kernel set, threads,
 * scratch memory; and attaches models to their device. matmul.c multiplies.
 */
#include <stdlib.h>

#include "base/cpu.h"
#include "base/error.h"
#include "runtime/runtime.h"

/* Adds the device to a runtime of the CPU. Kernels that are named mean the CPU.
 */
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

static void destroy_lists(quire_runtime *runtime)
{
	quire_prepacked_destroy(&runtime->prepacked);
	quire_scratch_destroy(&runtime->jobs);
	quire_scratch_destroy(&runtime->scratch);
}

static quire_status init_lists(quire_runtime *runtime, quire_error *error)
{
	quire_status status = quire_scratch_init(&runtime->scratch, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_scratch_init(&runtime->jobs, error);
	if (status != QUIRE_OK) {
		quire_scratch_destroy(&runtime->scratch);
		return status;
	}
	status = quire_prepacked_init(&runtime->prepacked, error);
	if (status != QUIRE_OK) {
		quire_scratch_destroy(&runtime->jobs);
		quire_scratch_destroy(&runtime->scratch);
	}
	return status;
}

static void destroy_crew(quire_runtime *runtime)
{
	if (runtime->crew.pool)
		quire_cpu_share_destroy(&runtime->share);
	quire_crew_destroy(&runtime->crew);
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
	if (created->crew.pool)
		quire_cpu_share_init(&created->share);
	status = init_lists(created, error);
	if (status != QUIRE_OK)
		goto out;
	status = open_device(created, options, error);
	if (status != QUIRE_OK) {
		destroy_lists(created);
		goto out;
	}
	*runtime = created;
	created = NULL;
out:
	if (created)
		destroy_crew(created);
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
				  "device %d does not exist",
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
	destroy_crew(runtime);
	destroy_lists(runtime);
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

quire_status quire_runtime_attach(quire_runtime *runtime,
				  const quire_model *model, quire_error *error)
{
	const struct accelerator *accelerator = &runtime->accelerator;

	if (!accelerator->ops)
		return QUIRE_OK;
	return accelerator->ops->attach(accelerator->device, model, error);
}

/* Frees what was prepacked of the model too. */
void quire_runtime_detach(quire_runtime *runtime, const quire_model *model)
{
	const struct accelerator *accelerator = &runtime->accelerator;

	if (accelerator->ops)
		accelerator->ops->detach(accelerator->device, model);
	quire_prepacked_remove(&runtime->prepacked, model);
}
