/*
 * vec_int8_q8_0_dotprod.c - one row of quantized x by rows of Q8_0.
 */
#include "runtime/kernels/neon_dotprod/dot_dotprod.h"

void quire_vec_int8_q8_0_dotprod(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x, float *y)
{
	const struct vec_int8_neon how = {
		.block_size = QUIRE_Q8_0_SIZE,
		.codes = codes_q8_0_neon,
		.dot = dot_dotprod,
		.minima = false,
	};

	vec_int8_neon(weights, row_size, rows, k, x, y, how);
}
