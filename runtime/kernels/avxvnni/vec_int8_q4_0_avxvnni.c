/*
 * vec_int8_q4_0_avxvnni.c - one row of quantized x, or a few, by rows of Q4_0.
 */
#include "runtime/kernels/avx2/blocks_avx2.h"
#include "runtime/kernels/avxvnni/dpbusd_avxvnni.h"
#include "runtime/kernels/avxvnni/kernels_avxvnni.h"

void quire_vec_int8_q4_0_avxvnni(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x, float *y)
{
	multiply_one(weights, row_size, rows, k, x, y, &blocks_q4_0,
		     &small_avxvnni);
}

void quire_few_int8_q4_0_avxvnni(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride)
{
	multiply_few(weights, row_size, rows, k, x, x_size, x_rows, y, y_stride,
		     &blocks_q4_0, &small_avxvnni);
}
