/*
 * few_int8_q4_0_avx512vbmi2.c - a few rows of quantized x by rows of Q4_0.
 */
#include "runtime/kernels/avx512vnni/few_blocks_avx512vnni.h"

void quire_few_int8_q4_0_avx512vbmi2(const void *weights, size_t row_size,
				     size_t rows, size_t k, const void *x,
				     size_t x_size, size_t x_rows, float *y,
				     size_t y_stride)
{
	multiply_strips(weights, row_size, rows, k, x, x_size, x_rows, y,
			y_stride, &few_q4_0);
}
