/*
 * sizes.h - arithmetic of sizes, and the size of a cache line.
 */
#ifndef QUIRE_RUNTIME_SIZES_H
#define QUIRE_RUNTIME_SIZES_H

#include <stddef.h>

/* Bytes of a prefetch; a CPU with longer cache lines prefetches some twice. */
#define QUIRE_LINE_SIZE 64

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* b is not 0. */
static inline size_t divide_up(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

#endif
