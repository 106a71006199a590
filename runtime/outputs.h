/*
 * outputs.h - sums become y: the bias is added and f16 rounded.
 */
#ifndef QUIRE_RUNTIME_OUTPUTS_H
#define QUIRE_RUNTIME_OUTPUTS_H

#include "runtime/request.h"

/*
 * Writes a part of y: `rows` rows from first_row on, `cols` columns from
 * first_col on. Their sums lie in c, rows `stride` apart; `bias` is room for
 * cols numbers. Overwrites c.
 */
void quire_write_outputs(const struct kernel_table *kernels,
			 const struct request *request, size_t first_row,
			 size_t rows, size_t first_col, size_t cols, float *c,
			 size_t stride, float *bias);

/* Asks for the memory of these rows and columns of y, which are written soon:
 * each row is in lines, and often in a page, of its own. */
void quire_prefetch_outputs(const struct request *request, size_t first_row,
			    size_t rows, size_t first_col, size_t cols);

#endif
