/*
 * vec_f32_q8_0_neon.c - one row of x by rows of Q8_0, in f32.
 */
#include "runtime/kernels/neon/vec_f32_neon.h"

void quire_vec_f32_q8_0_neon(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	vec_f32_neon(weights, row_size, rows, k, x, y, decode_q8_0_neon,
		     QUIRE_Q8_0_SIZE);
}
