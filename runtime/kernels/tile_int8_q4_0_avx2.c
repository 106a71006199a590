/*
 * tile_int8_q4_0_avx2.c - rows of quantized x by a panel of Q4_0.
 */
#include "runtime/kernels/small_codes_avx2.h"

QUIRE_INLINE void multiply_block(const unsigned char *x, const unsigned char *w,
				 __m256i s[MR][2])
{
	multiply_small(x, w, s);
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		const __m256i offset =
		    broadcast(x + QUIRE_INT8_OFFSETS(MR) + m * 4);

		s[m][0] = _mm256_add_epi32(s[m][0], offset);
		s[m][1] = _mm256_add_epi32(s[m][1], offset);
	}
}

void quire_tile_int8_q4_0_avx2(const void *x, const void *panel, size_t k,
			       float *c, bool add)
{
	multiply_tile(x, panel, k, c, add, multiply_block, false);
}
