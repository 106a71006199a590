/*
 * few_f32_q4_0_avx512.c - a few rows of f32 x by rows of Q4_0.
 */
#include "runtime/kernels/avx512/few_f32_nibbles_avx512.h"

static inline __m512 scale_numbers(float d, float min)
{
	(void)min;
	return _mm512_mul_ps(_mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					    1, 2, 3, 4, 5, 6, 7),
			     _mm512_set1_ps(d));
}

static const struct few_nibbles nibbles = {
	.scale = scale_numbers,
	.block_size = QUIRE_Q4_0_SIZE,
	.codes = QUIRE_Q4_0_CODES,
};

QUIRE_INLINE void decode_row(const unsigned char *row, size_t cols, float *out)
{
	decode_nibbles(row, cols, out, &nibbles);
}

static const struct few_type type = {
	.decode = decode_row,
	.block_cols = QUIRE_BLOCK_COLS,
	.block_size = QUIRE_Q4_0_SIZE,
};

FEW_F32_KERNEL(quire_few16_f32_q4_0_avx512, 16, &type)
