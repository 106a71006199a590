/*
 * grow.h - room for one more item in an array that grows by doubling.
 */
#ifndef QUIRE_BASE_GROW_H
#define QUIRE_BASE_GROW_H

#include <stddef.h>

/*
 * Returns the array, moved if it had to grow, with room for an item past
 * `count`. NULL: out of memory, and the old array is unchanged.
 */
void *quire_grow(void *items, size_t *capacity, size_t count, size_t item_size);

#endif
