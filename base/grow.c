/*
 * grow.c - the doubling. Knows nothing of the items.
 */
#include "base/grow.h"

#include <stdint.h>
#include <stdlib.h>

void *quire_grow(void *items, size_t *capacity, size_t count, size_t item_size)
{
	const size_t wanted = *capacity ? 2 * *capacity : 16;
	void *moved;

	if (count < *capacity)
		return items;
	if (*capacity > SIZE_MAX / 2 / item_size)
		return NULL;
	moved = realloc(items, wanted * item_size);
	if (moved)
		*capacity = wanted;
	return moved;
}
