/*
 * vec_int8_q4_1_avx512vnni.c - a row of quantized x by rows of Q4_1.
 */
#include "runtime/kernels/avx512vnni/nibble_rows_int8_avx512vnni.h"

void quire_vec_int8_q4_1_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    float *y)
{
	multiply_rows(weights, row_size, rows, k, x, y, &rows_q4_1);
}
