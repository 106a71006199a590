/*
 * metal.c - the Metal device behind the interface of runtime/device.h.
 */
#include "metal/commands.h"
#include "metal/gpu.h"
#include "runtime/device.h"

static quire_status attach(void *device, const quire_model *model,
			   quire_error *error)
{
	return quire_gpu_attach(device, model, error);
}

static void detach(void *device, const quire_model *model)
{
	quire_gpu_detach(device, model);
}

static bool covers(void *device, const struct request *request)
{
	struct place place;
	size_t type;

	return quire_gpu_type(request->dtype, &type) &&
	       quire_gpu_find(device, request->weights,
			      request->row_size * request->n, &place);
}

static quire_status begin(void *device, void **work, quire_error *error)
{
	struct commands *commands;
	quire_status status = quire_commands_take(device, &commands, error);

	if (status == QUIRE_OK)
		*work = commands;
	return status;
}

static quire_status multiply(void *work, const struct request *request,
			     quire_error *error)
{
	return quire_commands_multiply(work, request, error);
}

static quire_status flush(void *work, quire_error *error)
{
	return quire_commands_flush(work, error);
}

static void end(void *work)
{
	quire_commands_give(work);
}

static void describe(void *device, quire_runtime_info *info)
{
	struct gpu *gpu = device;

	info->device_name = gpu->name;
	info->unified_memory = gpu->unified;
	quire_mutex_lock(&gpu->mutex);
	for (size_t i = 0; i < gpu->view_count; i++) {
		const struct view *view = &gpu->views[i];

		*(view->copied ? &info->copied_size : &info->mapped_size) +=
		    view->size;
	}
	quire_mutex_unlock(&gpu->mutex);
}

static void close_device(void *device)
{
	quire_gpu_close(device);
}

static const struct accelerator_ops ops = {
	.attach = attach,
	.detach = detach,
	.covers = covers,
	.begin = begin,
	.multiply = multiply,
	.flush = flush,
	.end = end,
	.describe = describe,
	.close = close_device,
};

quire_status quire_metal_open(struct accelerator *accelerator,
			      quire_error *error)
{
	struct gpu *gpu;
	quire_status status = quire_gpu_open(&gpu, error);

	if (status == QUIRE_OK)
		*accelerator = (struct accelerator){ &ops, gpu };
	return status;
}
