/*
 * gpu.c - opens and closes the device, compiles the shaders as one library, and
 * reports the device's errors. pipelines.c makes kernels from the library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "metal/commands.h"
#include "metal/gpu.h"
#include "metal/params.h"
#include "metal/source.h"

/* MTLCommandBufferStatusCompleted, MTLCommandBufferErrorOutOfMemory */
#define STATUS_COMPLETED    4
#define ERROR_OUT_OF_MEMORY 8

SEL quire_metal_selector(enum metal_selector selector)
{
#define METAL_PLAIN(result, name, selector)	selector,
#define METAL_WITH(result, name, selector, ...) selector,
	static const char *const names[] = { METAL_MESSAGES(METAL_PLAIN,
							    METAL_WITH) };
#undef METAL_PLAIN
#undef METAL_WITH

	return sel_registerName(names[selector]);
}

quire_status quire_gpu_fail(quire_error *error, quire_status status,
			    const char *what, id ns_error)
{
	const char *why = NULL;

	if (ns_error)
		why = SEND(utf8, SEND(description, ns_error));
	return quire_fail(error, status, QUIRE_NO_OFFSET, "Metal: %s%s%s", what,
			  why ? ": " : "", why ? why : "");
}

quire_status quire_gpu_wait(id command_buffer, quire_error *error)
{
	id why;

	SEND(wait, command_buffer);
	if (SEND(status, command_buffer) == STATUS_COMPLETED)
		return QUIRE_OK;
	why = SEND(error, command_buffer);
	return quire_gpu_fail(error,
			      SEND(code, why) == ERROR_OUT_OF_MEMORY
				  ? QUIRE_ERROR_MEMORY
				  : QUIRE_ERROR_IO,
			      "the device did not complete its commands", why);
}

extern id MTLCreateSystemDefaultDevice(void);

static void read_device(struct gpu *gpu)
{
	const char *name = SEND(utf8, SEND(name, gpu->device));

	snprintf(gpu->name, sizeof(gpu->name), "%s", name ? name : "unnamed");
	gpu->tuning = quire_gpu_tuning(gpu->device);
	gpu->packed_from = gpu->tuning->packed_from;
	gpu->unified = SEND(has_unified_memory, gpu->device) != 0;
	gpu->page_size = quire_page_size();
	gpu->max_buffer_size = SEND(max_buffer_length, gpu->device);
}

static quire_status compile(struct gpu *gpu, quire_error *error)
{
	id options = SEND(new_object, (id)objc_getClass("MTLCompileOptions"));
	id source = SEND_WITH(string, (id)objc_getClass("NSString"),
			      quire_metal_source);
	id why = (id)0;

	/* Infinities and NaNs must follow IEEE 754. */
	SEND_WITH(set_fast_math, options, 0);
	gpu->library =
	    SEND_WITH(new_library, gpu->device, source, options, &why);
	SEND(release, options);
	if (!gpu->library)
		return quire_gpu_fail(error, QUIRE_ERROR_UNSUPPORTED,
				      "the shaders do not compile", why);
	return QUIRE_OK;
}

static bool has_matrices(struct gpu *gpu)
{
	return SEND(max_memory, gpu->device) >= QUIRE_GPU_TILE_MEMORY &&
	       (gpu->tuning->promises_matrices ||
		quire_gpu_check_matrices(gpu));
}

static quire_status open_device(struct gpu *gpu, quire_error *error)
{
	quire_status status;

	gpu->device = MTLCreateSystemDefaultDevice();
	if (!gpu->device)
		return quire_gpu_fail(error, QUIRE_ERROR_UNSUPPORTED,
				      "this machine has no device", (id)0);
	read_device(gpu);
	gpu->queue = SEND(new_queue, gpu->device);
	if (!gpu->queue)
		return quire_gpu_fail(error, QUIRE_ERROR_MEMORY,
				      "no command queue could be made", (id)0);
	status = compile(gpu, error);
	if (status == QUIRE_OK && !has_matrices(gpu))
		gpu->packed_from = QUIRE_GPU_NEVER;
	return status;
}

quire_status quire_gpu_open(struct gpu **gpu, quire_error *error)
{
	struct gpu *opened = calloc(1, sizeof(*opened));
	quire_status status;
	id pool;

	if (!opened)
		return quire_fail_memory(error, sizeof(*opened));
	if (!quire_mutex_init(&opened->mutex)) {
		free(opened);
		return quire_fail_memory(error, sizeof(struct mutex));
	}
	pool = metal_pool_push();
	status = open_device(opened, error);
	metal_pool_pop(pool);
	if (status == QUIRE_OK)
		*gpu = opened;
	else
		quire_gpu_close(opened);
	return status;
}

void quire_gpu_close(struct gpu *gpu)
{
	id pool;

	if (!gpu)
		return;
	pool = metal_pool_push();
	quire_commands_free(gpu->commands);
	for (size_t i = 0; i < gpu->view_count; i++)
		SEND(release, gpu->views[i].buffer);
	free(gpu->views);
	for (size_t i = 0; i < KERNEL_COUNT; i++)
		for (size_t j = 0; j < METAL_TYPE_COUNT; j++) {
			SEND(release, gpu->pipelines[i][j][0]);
			SEND(release, gpu->pipelines[i][j][1]);
		}
	SEND(release, gpu->library);
	SEND(release, gpu->queue);
	SEND(release, gpu->device);
	metal_pool_pop(pool);
	quire_mutex_destroy(&gpu->mutex);
	free(gpu);
}
