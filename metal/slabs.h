/*
 * slabs.h - memory that CPU and GPU both see, for the x and y of one batch. It
 * is kept from batch to batch, so that a batch of the same size allocates
 * nothing.
 */
#ifndef QUIRE_METAL_SLABS_H
#define QUIRE_METAL_SLABS_H

#include "metal/gpu.h"

/* Places begin at multiples of this, which every device accepts. */
#define QUIRE_GPU_PLACE_ALIGNMENT 256

struct slab {
	id buffer;
	unsigned char *contents;
	size_t size, used;
};

struct slabs {
	struct slab *items; /* the last one has room left */
	size_t count, capacity;
};

/* *place = `size` bytes, until quire_slabs_reset. */
quire_status quire_slabs_take(struct gpu *gpu, struct slabs *slabs, size_t size,
			      struct place *place, quire_error *error);

/* Frees all places, and all slabs but the largest. */
void quire_slabs_reset(struct slabs *slabs);
void quire_slabs_free(struct slabs *slabs);

#endif
