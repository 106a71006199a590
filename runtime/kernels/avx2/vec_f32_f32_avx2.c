/*
 * vec_f32_f32_avx2.c - one row of x by rows of F32, in f32.
 */
#include "runtime/kernels/avx2/vec_f32_avx2.h"

void quire_vec_f32_f32_avx2(const void *weights, size_t row_size, size_t rows,
			    size_t k, const void *x, float *y)
{
	multiply_columns(weights, row_size, rows, k, x, y, decode_f32,
			 QUIRE_BLOCK_COLS * 4);
}
