/*
 * sizes.h - arithmetic of sizes, and the size of a line.
 */
#ifndef QUIRE_RUNTIME_SIZES_H
#define QUIRE_RUNTIME_SIZES_H

#include <stddef.h>

/* Bytes that a prefetch brings; on CPUs with longer lines some are asked for
 * twice. */
#define QUIRE_LINE_SIZE 64

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Must not be called with b = 0. */
static inline size_t divide_up(size_t a, size_t b)
{
	return a / b + (a % b != 0);
}

#endif
