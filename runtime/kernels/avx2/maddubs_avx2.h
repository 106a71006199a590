/*
 * maddubs_avx2.h - integers by AVX2's VPMADDUBSW, which multiplies unsigned by
 * signed bytes and adds up pairs in 16 bits, with saturation.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_MADDUBS_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_MADDUBS_AVX2_H

#include "runtime/kernels/avx2/integers_avx2.h"
#include "runtime/kernels/unroll.h"

QUIRE_INLINE __m256i start_zero(__m256i offset)
{
	(void)offset;
	return _mm256_setzero_si256();
}

/* Codes of 4 bits are at most 15, and activations at most 127 in size. So 8
 * sums of pairs fit 16 bits (8 x 2 x 15 x 127 = 30480 < 32768), and are widened
 * once a block. */
QUIRE_INLINE __m256i add_small(__m256i sum, __m256i w, __m256i x)
{
	return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x));
}

QUIRE_INLINE __m256i finish_small(__m256i sum, __m256i offset)
{
	return _mm256_add_epi32(_mm256_madd_epi16(sum, _mm256_set1_epi16(1)),
				offset);
}

static const struct integers small_avx2 = {
	.has_offset = true,
	.start = start_zero,
	.add = add_small,
	.finish = finish_small,
};

/* Signed codes of 8 bits: the magnitude of the weight is the unsigned side, and
 * its sign goes to x. A sum of a pair, at most 2 x 128 x 127 = 32512, fits 16
 * bits, two sums do not: each is widened. There is no offset. */
QUIRE_INLINE __m256i add_large(__m256i sum, __m256i w, __m256i x)
{
	const __m256i pairs =
	    _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));

	return _mm256_add_epi32(sum,
				_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

QUIRE_INLINE __m256i finish_large(__m256i sum, __m256i offset)
{
	(void)offset;
	return sum;
}

static const struct integers large_avx2 = {
	.has_offset = false,
	.start = start_zero,
	.add = add_large,
	.finish = finish_large,
};

#endif
