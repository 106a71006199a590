/*
 * vec_f32_q4_0_avx2.c - one row of x by rows of Q4_0, in f32.
 */
#include "runtime/kernels/vec_f32_avx2.h"

/* 8 codes, each less 8, times d: exact in f32. */
QUIRE_INLINE __m256 scale(__m128i codes, __m256 d)
{
	return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)),
			     d);
}

QUIRE_INLINE void decode(const unsigned char *weights, __m256 w[4])
{
	const __m128i nibble = _mm_set1_epi8(15);
	const __m128i zero = _mm_set1_epi8(QUIRE_Q4_0_ZERO);
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(weights)));
	const __m128i q =
	    _mm_loadu_si128((const void *)(weights + QUIRE_Q4_0_CODES));
	const __m128i low = _mm_sub_epi8(_mm_and_si128(q, nibble), zero);
	const __m128i high =
	    _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(q, 4), nibble), zero);

	w[0] = scale(low, d);
	w[1] = scale(_mm_srli_si128(low, 8), d);
	w[2] = scale(high, d);
	w[3] = scale(_mm_srli_si128(high, 8), d);
}

void quire_vec_f32_q4_0_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	multiply_columns(weights, row_size, rows, k, x, y, decode,
			 QUIRE_Q4_0_SIZE);
}
