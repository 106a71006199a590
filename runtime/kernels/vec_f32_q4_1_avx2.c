/*
 * vec_f32_q4_1_avx2.c - one row of x by rows of Q4_1, in f32.
 */
#include "runtime/kernels/vec_f32_avx2.h"

/* 8 codes times d, which is exact, and m: rounded once. */
QUIRE_INLINE __m256 scale(__m128i codes, __m256 d, __m256 m)
{
	return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes)),
			       d, m);
}

QUIRE_INLINE void decode(const unsigned char *weights, __m256 w[4])
{
	const __m128i nibble = _mm_set1_epi8(15);
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(weights)));
	const __m256 m =
	    _mm256_set1_ps(_cvtsh_ss(load_u16(weights + QUIRE_Q4_1_MIN)));
	const __m128i q =
	    _mm_loadu_si128((const void *)(weights + QUIRE_Q4_1_CODES));
	const __m128i low = _mm_and_si128(q, nibble);
	const __m128i high = _mm_and_si128(_mm_srli_epi16(q, 4), nibble);

	w[0] = scale(low, d, m);
	w[1] = scale(_mm_srli_si128(low, 8), d, m);
	w[2] = scale(high, d, m);
	w[3] = scale(_mm_srli_si128(high, 8), d, m);
}

void quire_vec_f32_q4_1_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	multiply_columns(weights, row_size, rows, k, x, y, decode,
			 QUIRE_Q4_1_SIZE);
}
