/*
 * bench_container.h - made-up matrices as a model, since a device multiplies by
 * the memory of models alone.
 */
#ifndef QUIRE_CLI_BENCH_BENCH_CONTAINER_H
#define QUIRE_CLI_BENCH_BENCH_CONTAINER_H

#include "quire.h"

/* What must be free before `count` matrices: a multiple of BENCH_ALIGNMENT. */
size_t bench_container_size(size_t count);

/* Between matrices, from the start of one to that of the next, and before the
 * first: a container's default. */
#define BENCH_ALIGNMENT 16384

/* Writes it before matrices like `tensor`, all of them `stride` bytes apart;
 * its offset and data are not looked at. */
void bench_container_write(unsigned char *out, const quire_tensor *tensor,
			   size_t count, size_t stride);

#endif
