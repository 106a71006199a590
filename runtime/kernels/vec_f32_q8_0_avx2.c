/*
 * vec_f32_q8_0_avx2.c - one row of x by rows of Q8_0, in f32.
 */
#include "runtime/kernels/vec_f32_avx2.h"

/* 8 codes times d: exact in f32. */
QUIRE_INLINE __m256 scale(const unsigned char *codes, __m256 d)
{
	const __m256i wide =
	    _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)codes));

	return _mm256_mul_ps(_mm256_cvtepi32_ps(wide), d);
}

QUIRE_INLINE void decode(const unsigned char *weights, __m256 w[4])
{
	const unsigned char *codes = weights + QUIRE_Q8_0_CODES;
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(weights)));

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		w[i] = scale(codes + 8 * i, d);
}

void quire_vec_f32_q8_0_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	multiply_columns(weights, row_size, rows, k, x, y, decode,
			 QUIRE_Q8_0_SIZE);
}
