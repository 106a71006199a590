/*
 * dpbusd_avxvnni.h - integers by AVX-VNNI's VPDPBUSD, which multiplies unsigned
 * by signed bytes and adds up four products in 32 bits.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVXVNNI_DPBUSD_AVXVNNI_H
#define QUIRE_RUNTIME_KERNELS_AVXVNNI_DPBUSD_AVXVNNI_H

#ifndef __AVXVNNI__
#error "compile with -mavxvnni"
#endif

#include "runtime/kernels/avx2/integers_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

QUIRE_INLINE __m256i start_offset(__m256i offset)
{
	return offset;
}

QUIRE_INLINE __m256i finish_offset(__m256i sum, __m256i offset)
{
	(void)offset;
	return sum;
}

/* For unsigned codes of 4 bits. */
QUIRE_INLINE __m256i add_unsigned(__m256i sum, __m256i w, __m256i x)
{
	return _mm256_dpbusd_avx_epi32(sum, w, x);
}

static const struct integers small_avxvnni = {
	.has_offset = true,
	.start = start_offset,
	.add = add_unsigned,
	.finish = finish_offset,
};

/* For signed codes of 8 bits. Inverting the upper bit of a code adds 128, which
 * the offset subtracts. */
QUIRE_INLINE __m256i add_signed(__m256i sum, __m256i w, __m256i x)
{
	const __m256i zero = _mm256_set1_epi8((char)QUIRE_Q8_0_ZERO);

	return _mm256_dpbusd_avx_epi32(sum, _mm256_xor_si256(w, zero), x);
}

static const struct integers large_avxvnni = {
	.has_offset = true,
	.start = start_offset,
	.add = add_signed,
	.finish = finish_offset,
};

#endif
