/*
 * slabs.c - hands out shared memory front to back.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/grow.h"
#include "metal/slabs.h"

#define STORAGE_SHARED 0

/* The smallest slab: room for the x and y of one row of a large model. */
#define LEAST_SIZE ((uint64_t)1 << 20)

static bool has_room(const struct slabs *slabs, size_t size)
{
	const struct slab *last;

	if (slabs->count == 0)
		return false;
	last = &slabs->items[slabs->count - 1];
	return last->size - last->used >= size;
}

static quire_status reserve(struct slabs *slabs, quire_error *error)
{
	struct slab *items = quire_grow(slabs->items, &slabs->capacity,
					slabs->count, sizeof(*items));

	if (!items)
		return quire_fail_memory(error, sizeof(*items));
	slabs->items = items;
	return QUIRE_OK;
}

/* Each slab has twice the size of the one before, up to the largest buffer. */
static quire_status add(struct gpu *gpu, struct slabs *slabs, size_t size,
			quire_error *error)
{
	uint64_t wanted = LEAST_SIZE;
	struct slab *slab;
	quire_status status = reserve(slabs, error);

	if (status != QUIRE_OK)
		return status;
	if (slabs->count > 0)
		wanted = (uint64_t)slabs->items[slabs->count - 1].size * 2;
	if (wanted > gpu->max_buffer_size)
		wanted = gpu->max_buffer_size;
	if (wanted < size)
		wanted = size;
	slab = &slabs->items[slabs->count];
	*slab = (struct slab){ .size = (size_t)wanted };
	slab->buffer = SEND_WITH(new_buffer, gpu->device, slab->size,
				 (NSUInteger)STORAGE_SHARED);
	slab->contents = SEND(contents, slab->buffer);
	if (!slab->contents) {
		SEND(release, slab->buffer);
		return quire_fail_memory(error, wanted);
	}
	slabs->count++;
	return QUIRE_OK;
}

quire_status quire_slabs_take(struct gpu *gpu, struct slabs *slabs, size_t size,
			      struct place *place, quire_error *error)
{
	struct slab *slab;
	uint64_t padded;
	quire_status status;

	if (!checked_pad(size, QUIRE_GPU_PLACE_ALIGNMENT, &padded) ||
	    padded > SIZE_MAX)
		return quire_fail_memory(error, size);
	if (!has_room(slabs, (size_t)padded)) {
		status = add(gpu, slabs, (size_t)padded, error);
		if (status != QUIRE_OK)
			return status;
	}
	slab = &slabs->items[slabs->count - 1];
	*place = (struct place){ .buffer = slab->buffer,
				 .offset = slab->used,
				 .contents = slab->contents + slab->used };
	slab->used += (size_t)padded;
	return QUIRE_OK;
}

/* The last slab is the largest. If it alone is kept, a batch of the same size
 * needs one more at most, and the next one none. */
void quire_slabs_reset(struct slabs *slabs)
{
	if (slabs->count == 0)
		return;
	for (size_t i = 0; i + 1 < slabs->count; i++)
		SEND(release, slabs->items[i].buffer);
	slabs->items[0] = slabs->items[slabs->count - 1];
	slabs->items[0].used = 0;
	slabs->count = 1;
}

void quire_slabs_free(struct slabs *slabs)
{
	for (size_t i = 0; i < slabs->count; i++)
		SEND(release, slabs->items[i].buffer);
	free(slabs->items);
	*slabs = (struct slabs){ .count = 0 };
}
