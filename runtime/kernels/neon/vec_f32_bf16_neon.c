/*
 * vec_f32_bf16_neon.c - one row of x by rows of BF16, in f32.
 */
#include "runtime/kernels/neon/vec_f32_neon.h"

void quire_vec_f32_bf16_neon(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	vec_f32_neon(weights, row_size, rows, k, x, y, decode_bf16_neon,
		     QUIRE_BLOCK_COLS * 2);
}
