/*
 * panels.h - the panel form: weights are packed, some rows and columns of them
 * at a time, and multiplied by all rows of x that there are.
 */
#ifndef QUIRE_RUNTIME_PANELS_H
#define QUIRE_RUNTIME_PANELS_H

#include "runtime/gemm.h"

/* c = the chunk of x times rows `first` to first + rows - 1 of W: for each
 * panel of them, [chunk][nr]. `panel` is memory for one. */
void quire_multiply_panels(const struct matmul *mm, size_t first, size_t rows,
			   float *c, void *panel);

#endif
