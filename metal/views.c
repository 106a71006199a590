/*
 * views.c - the pages of models as buffers. Views cover a model from its first
 * tensor to its last, rounded to pages. A model that is larger than the
 * device's largest buffer has several views. They overlap by the largest
 * tensor, so that each tensor lies in one of them as a whole.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/grow.h"
#include "metal/gpu.h"

/* MTLResourceStorageModeShared and ...Private, as resource options. */
#define STORAGE_SHARED	0
#define STORAGE_PRIVATE 32

/* Bytes that the shaders load at once from tensors. */
#define LOAD_ALIGNMENT 4

/* The addresses of one file's tensors. */
struct span {
	uintptr_t begin, end;
	uint64_t largest; /* tensor */
};

static quire_status add_view(struct gpu *gpu, const struct view *view,
			     quire_error *error)
{
	struct view *views = quire_grow(gpu->views, &gpu->view_capacity,
					gpu->view_count, sizeof(*views));

	if (!views)
		return quire_fail_memory(error, sizeof(*views));
	gpu->views = views;
	views[gpu->view_count++] = *view;
	return QUIRE_OK;
}

/* *private_buffer = a copy of a buffer in the device's own memory. */
static quire_status copy_to_private(struct gpu *gpu, id shared, size_t size,
				    id *private_buffer, quire_error *error)
{
	id copy = SEND_WITH(new_buffer, gpu->device, size,
			    (NSUInteger)STORAGE_PRIVATE);
	id commands = SEND(command_buffer, gpu->queue);
	id encoder = SEND(blit_encoder, commands);
	quire_status status;

	if (!copy || !encoder) {
		SEND(release, copy);
		SEND(end_encoding, encoder);
		return quire_fail_memory(error, size);
	}
	SEND_WITH(copy_buffer, encoder, shared, (NSUInteger)0, copy,
		  (NSUInteger)0, size);
	SEND(end_encoding, encoder);
	SEND(commit, commands);
	status = quire_gpu_wait(commands, error);
	if (status == QUIRE_OK)
		*private_buffer = copy;
	else
		SEND(release, copy);
	return status;
}

static quire_status make_view(struct gpu *gpu, const quire_model *model,
			      uintptr_t begin, size_t size, quire_error *error)
{
	void *data = (void *)begin;
	struct view view = { .model = model,
			     .data = data,
			     .size = size,
			     .copied = !gpu->unified };
	id shared = SEND_WITH(new_buffer_over, gpu->device, data, size,
			      (NSUInteger)STORAGE_SHARED, (id)0);
	quire_status status;

	/* For memory that it cannot map, a device may make an empty buffer. */
	if (SEND(length, shared) != size) {
		SEND(release, shared);
		return quire_gpu_fail(error, QUIRE_ERROR_UNSUPPORTED,
				      "the device cannot use the memory of "
				      "the model",
				      (id)0);
	}
	view.buffer = shared;
	if (view.copied) {
		status =
		    copy_to_private(gpu, shared, size, &view.buffer, error);
		SEND(release, shared);
		if (status != QUIRE_OK)
			return status;
	}
	status = add_view(gpu, &view, error);
	if (status != QUIRE_OK)
		SEND(release, view.buffer);
	return status;
}

static quire_status cover(struct gpu *gpu, const quire_model *model,
			  const struct span *span, quire_error *error)
{
	const uint64_t page = gpu->page_size;
	const uint64_t most = gpu->max_buffer_size & ~(page - 1);
	const uintptr_t begin = span->begin & ~(uintptr_t)(page - 1);
	uint64_t end, overlap, total, size;
	quire_status status;

	if (!checked_pad(span->end, page, &end) ||
	    !checked_pad(span->largest, page, &overlap))
		return quire_fail_memory(error, UINT64_MAX);
	total = end - begin;
	/* A tensor that begins in the last page before the next view needs one
	 * page more than `overlap`: it ends with this view. */
	if (total > most && overlap >= most)
		return quire_fail(
		    error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
		    "Metal: the largest tensor, of %" PRIu64
		    " bytes, is larger than the largest buffer "
		    "of the device, of %" PRIu64 " bytes",
		    span->largest, (uint64_t)gpu->max_buffer_size);
	for (uint64_t at = 0;; at += most - overlap) {
		size = total - at < most ? total - at : most;
		status = make_view(gpu, model, begin + (uintptr_t)at,
				   (size_t)size, error);
		if (status != QUIRE_OK || at + size == total)
			return status;
	}
}

/* False if the file has no bytes of tensors. */
static bool read_span(const quire_model *model, const quire_part *part,
		      struct span *span)
{
	*span = (struct span){ .begin = UINTPTR_MAX };
	for (size_t i = 0; i < part->tensor_count; i++) {
		const quire_tensor *tensor =
		    quire_model_tensor(model, part->first_tensor + i);
		const uintptr_t begin = (uintptr_t)tensor->data;

		if (tensor->size == 0)
			continue;
		if (begin < span->begin)
			span->begin = begin;
		if (begin + tensor->size > span->end)
			span->end = begin + (uintptr_t)tensor->size;
		if (tensor->size > span->largest)
			span->largest = tensor->size;
	}
	return span->largest > 0;
}

/* Tensors lie at multiples of 32 in our files. Those of others may break their
 * alignment, and memory may begin at any address. */
static bool is_aligned(const quire_model *model)
{
	for (size_t i = 0; i < quire_model_tensor_count(model); i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		if ((uintptr_t)tensor->data % LOAD_ALIGNMENT != 0)
			return false;
	}
	return true;
}

static quire_status attach_parts(struct gpu *gpu, const quire_model *model,
				 quire_error *error)
{
	quire_status status = QUIRE_OK;
	quire_part part;
	struct span span;

	if (!is_aligned(model))
		return quire_fail(error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "Metal: the model's memory is not aligned to "
				  "%d bytes",
				  LOAD_ALIGNMENT);
	for (size_t i = 0;
	     status == QUIRE_OK && i < quire_model_part_count(model); i++) {
		quire_model_part(model, i, &part);
		if (read_span(model, &part, &span))
			status = cover(gpu, model, &span, error);
	}
	return status;
}

static bool is_attached(const struct gpu *gpu, const quire_model *model)
{
	for (size_t i = 0; i < gpu->view_count; i++)
		if (gpu->views[i].model == model)
			return true;
	return false;
}

static void drop_views(struct gpu *gpu, const quire_model *model)
{
	size_t kept = 0;

	for (size_t i = 0; i < gpu->view_count; i++) {
		if (gpu->views[i].model == model)
			SEND(release, gpu->views[i].buffer);
		else
			gpu->views[kept++] = gpu->views[i];
	}
	gpu->view_count = kept;
}

quire_status quire_gpu_attach(struct gpu *gpu, const quire_model *model,
			      quire_error *error)
{
	id pool = metal_pool_push();
	quire_status status = QUIRE_OK;

	quire_mutex_lock(&gpu->mutex);
	if (!is_attached(gpu, model)) {
		status = attach_parts(gpu, model, error);
		if (status != QUIRE_OK)
			drop_views(gpu, model);
	}
	quire_mutex_unlock(&gpu->mutex);
	metal_pool_pop(pool);
	return status;
}

quire_status quire_gpu_own(struct gpu *gpu, size_t size, unsigned char **data,
			   quire_error *error)
{
	struct view view = { .size = size };
	void *contents;
	quire_status status;

	view.buffer = SEND_WITH(new_buffer, gpu->device, size,
				(NSUInteger)STORAGE_SHARED);
	contents = SEND(contents, view.buffer);
	if (!contents) {
		SEND(release, view.buffer);
		return quire_fail_memory(error, size);
	}
	memset(contents, 0, size);
	view.data = contents;
	quire_mutex_lock(&gpu->mutex);
	status = add_view(gpu, &view, error);
	quire_mutex_unlock(&gpu->mutex);
	if (status == QUIRE_OK)
		*data = contents;
	else
		SEND(release, view.buffer);
	return status;
}

void quire_gpu_detach(struct gpu *gpu, const quire_model *model)
{
	id pool = metal_pool_push();

	quire_mutex_lock(&gpu->mutex);
	drop_views(gpu, model);
	quire_mutex_unlock(&gpu->mutex);
	metal_pool_pop(pool);
}

bool quire_gpu_find(struct gpu *gpu, const void *data, size_t size,
		    struct place *place)
{
	bool found = false;

	if ((uintptr_t)data % LOAD_ALIGNMENT != 0)
		return false;
	quire_mutex_lock(&gpu->mutex);
	for (size_t i = 0; i < gpu->view_count && !found; i++) {
		const struct view *view = &gpu->views[i];
		const uintptr_t offset =
		    (uintptr_t)data - (uintptr_t)view->data;

		if ((uintptr_t)data < (uintptr_t)view->data ||
		    offset > view->size || view->size - offset < size)
			continue;
		*place = (struct place){ view->buffer, offset, NULL };
		found = true;
	}
	quire_mutex_unlock(&gpu->mutex);
	return found;
}
