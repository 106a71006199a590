/*
 * bench_container.h - random matrices as a model, because a device multiplies
 * by the memory of models only.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_CONTAINER_H
#define QUIRE_CLI_BENCH_BENCH_CONTAINER_H

#include "quire.h"

/* Size of the header for `count` matrices: a multiple of BENCH_ALIGNMENT. */
size_t bench_container_size(size_t count);

/* Matrices start on multiples of this: the default of a container. */
#define BENCH_ALIGNMENT 16384

/* Writes the header for matrices like `tensor`, `stride` bytes apart. Does not
 * read its offset and data. */
void bench_container_write(unsigned char *out, const quire_tensor *tensor,
			   size_t count, size_t stride);

#endif
