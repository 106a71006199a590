/*
 * vec_int8_q4_1_avx2.c - one row of quantized x, or a few, by rows of Q4_1.
 */
#include "runtime/kernels/avx2/blocks_avx2.h"
#include "runtime/kernels/avx2/maddubs_avx2.h"

void quire_vec_int8_q4_1_avx2(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y)
{
	multiply_one(weights, row_size, rows, k, x, y, &blocks_q4_1,
		     &small_avx2);
}

void quire_few_int8_q4_1_avx2(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, size_t x_size,
			      size_t x_rows, float *y, size_t y_stride)
{
	multiply_few(weights, row_size, rows, k, x, x_size, x_rows, y, y_stride,
		     &blocks_q4_1, &small_avx2);
}
