/*
 * outputs.h - sums to y: adds the bias and rounds to f16.
 */
#ifndef QUIRE_RUNTIME_OUTPUTS_H
#define QUIRE_RUNTIME_OUTPUTS_H

#include "runtime/request.h"

/*
 * Writes `rows` rows of y from first_row on, `cols` columns from first_col on.
 * Their sums are in c, in rows `stride` apart, and are overwritten. `bias` has
 * room for cols numbers.
 */
void quire_write_outputs(const struct kernel_table *kernels,
			 const struct request *request, size_t first_row,
			 size_t rows, size_t first_col, size_t cols, float *c,
			 size_t stride, float *bias);

/* Prefetches these rows and columns of y, which are written soon: each row is
 * in cache lines, and often in a page, of its own. */
void quire_prefetch_outputs(const struct request *request, size_t first_row,
			    size_t rows, size_t first_col, size_t cols);

#endif
