/*
 * vec_int8_q4_0_neon.c - one row of quantized x by rows of Q4_0.
 */
#include "runtime/kernels/neon/vec_int8_neon.h"

void quire_vec_int8_q4_0_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y)
{
	const struct vec_int8_neon how = {
		.block_size = QUIRE_Q4_0_SIZE,
		.codes = codes_q4_0_neon,
		.dot = dot_neon,
		.minima = false,
	};

	vec_int8_neon(weights, row_size, rows, k, x, y, how);
}
