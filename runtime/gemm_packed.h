/*
 * gemm_packed.h - the packed form: rows of W are packed into a panel, some rows
 * and columns at a time, and each panel is multiplied by all rows of x.
 */
#ifndef QUIRE_RUNTIME_GEMM_PACKED_H
#define QUIRE_RUNTIME_GEMM_PACKED_H

#include "runtime/gemm.h"

/* c = the chunk of x times rows `first` to first + rows - 1 of W: for each
 * panel of them, [chunk][nr]. `packed` is memory for one panel. */
void quire_gemm_packed_step(const struct gemm *gemm, size_t first, size_t rows,
			    float *c, void *packed);

#endif
