/*
 * tile_int8_q8_0_avx2.c - rows of quantized x by a panel of Q8_0.
 *
 * maddubs takes one side unsigned: the magnitude of the weight, and the sign
 * goes to x. Its pair sums, 2 x 128 x 127 = 32512, fit 16 bits, but no two of
 * them do: each is widened.
 */
#include "runtime/kernels/tile_int8_avx2.h"

static inline __m256i add_products(__m256i sum, __m256i w, __m256i x)
{
	const __m256i pairs =
	    _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));

	return _mm256_add_epi32(sum,
				_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

static inline __m256i load_signed(const unsigned char *codes)
{
	return _mm256_xor_si256(_mm256_load_si256((const void *)codes),
				_mm256_set1_epi8((char)QUIRE_Q8_0_ZERO));
}

QUIRE_INLINE void multiply_block(const unsigned char *x, const unsigned char *w,
				 __m256i s[MR][2])
{
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		s[m][0] = s[m][1] = _mm256_setzero_si256();
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 4; i++) {
		const unsigned char *codes = w + i * AVX2_NR * 4;
		const __m256i w0 = load_signed(codes);
		const __m256i w1 = load_signed(codes + 32);

		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m256i a =
			    broadcast(x + m * QUIRE_BLOCK_COLS + i * 4);

			s[m][0] = add_products(s[m][0], w0, a);
			s[m][1] = add_products(s[m][1], w1, a);
		}
	}
}

void quire_tile_int8_q8_0_avx2(const void *x, const void *panel, size_t k,
			       float *c, bool add)
{
	multiply_tile(x, panel, k, c, add, multiply_block, false);
}
