/*
 * vec_f32_bf16_avx2.c - one row of x by rows of BF16, in f32.
 */
#include "runtime/kernels/vec_f32_avx2.h"

/* A BF16 is the upper half of an f32. */
QUIRE_INLINE __m256 widen(__m128i items)
{
	return _mm256_castsi256_ps(
	    _mm256_slli_epi32(_mm256_cvtepu16_epi32(items), 16));
}

QUIRE_INLINE void decode(const unsigned char *weights, __m256 w[4])
{
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		w[i] = widen(_mm_loadu_si128((const void *)(weights + 16 * i)));
}

void quire_vec_f32_bf16_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	multiply_columns(weights, row_size, rows, k, x, y, decode,
			 QUIRE_BLOCK_COLS * 2);
}
