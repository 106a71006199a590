/*
 * runtime.c - creates and frees runtimes: a device, a kernel set, threads,
 * scratch memory. Multiplies nothing: matmul.c does.
 */
#include "runtime/runtime.h"

#include <stdlib.h>

#include "format/error.h"
#include "machine/cpu.h"
#include "runtime/device.h"

static quire_status create_cpu(const quire_runtime_options *options,
			       quire_runtime **runtime, quire_error *error)
{
	quire_runtime *created = calloc(1, sizeof(*created));
	quire_status status;

	if (!created)
		return quire_fail_memory(error, sizeof(*created));
	created->device = QUIRE_DEVICE_CPU;
	status = quire_kernel_set_choose(options->kernels, quire_cpu_features(),
					 &created->set, error);
	if (status != QUIRE_OK)
		goto out;
	status = quire_crew_init(&created->crew, options, error);
	if (status != QUIRE_OK)
		goto out;
	status = quire_scratch_init(&created->scratch, error);
	if (status != QUIRE_OK)
		goto out;
	*runtime = created;
	created = NULL;
out:
	if (created)
		quire_crew_destroy(&created->crew);
	free(created);
	return status;
}

quire_status quire_runtime_create(const quire_runtime_options *options,
				  quire_runtime **runtime, quire_error *error)
{
	static const quire_runtime_options defaults;

	if (!options)
		options = &defaults;
	switch (options->device) {
	case QUIRE_DEVICE_METAL:
		return quire_metal_create(options, runtime, error);
	case QUIRE_DEVICE_BEST:
	case QUIRE_DEVICE_CPU:
		return create_cpu(options, runtime, error);
	}
	return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			  "device %d: there is none of this number",
			  (int)options->device);
}

void quire_runtime_free(quire_runtime *runtime)
{
	if (!runtime)
		return;
	quire_crew_destroy(&runtime->crew);
	quire_scratch_destroy(&runtime->scratch);
	free(runtime);
}

void quire_runtime_describe(const quire_runtime *runtime,
			    quire_runtime_info *info)
{
	*info = (quire_runtime_info){
		.device = runtime->device,
		.kernels = runtime->set->name,
		.threads = runtime->crew.threads,
	};
}
