/*
 * small_codes_avx2.h - the integers of a block of 4-bit codes.
 *
 * Codes are at most 15 and activations at most 127 in size, so eight pair
 * sums of a block fit 16 bits (8 x 2 x 15 x 127 = 30480 < 32768): sums are
 * widened once a block, not once a product.
 */
#ifndef QUIRE_KERNELS_SMALL_CODES_AVX2_H
#define QUIRE_KERNELS_SMALL_CODES_AVX2_H

#include "runtime/kernels/tile_int8_avx2.h"

/* The integer part of one block without the offsets. */
QUIRE_INLINE void multiply_small(const unsigned char *x, const unsigned char *w,
				 __m256i s[MR][2])
{
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		s[m][0] = s[m][1] = _mm256_setzero_si256();
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 4; i++) {
		const unsigned char *codes = w + i * AVX2_NR * 4;
		const __m256i w0 = _mm256_load_si256((const void *)codes);
		const __m256i w1 =
		    _mm256_load_si256((const void *)(codes + 32));

		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m256i a =
			    broadcast(x + m * QUIRE_BLOCK_COLS + i * 4);

			s[m][0] = _mm256_add_epi16(s[m][0],
						   _mm256_maddubs_epi16(w0, a));
			s[m][1] = _mm256_add_epi16(s[m][1],
						   _mm256_maddubs_epi16(w1, a));
		}
	}
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		s[m][0] = _mm256_madd_epi16(s[m][0], _mm256_set1_epi16(1));
		s[m][1] = _mm256_madd_epi16(s[m][1], _mm256_set1_epi16(1));
	}
}

#endif
