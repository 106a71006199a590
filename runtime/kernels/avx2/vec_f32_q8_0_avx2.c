/*
 * vec_f32_q8_0_avx2.c - one row of x by rows of Q8_0, in f32.
 */
#include "runtime/kernels/avx2/vec_f32_avx2.h"

void quire_vec_f32_q8_0_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	multiply_columns(weights, row_size, rows, k, x, y, decode_q8_0,
			 QUIRE_Q8_0_SIZE);
}
