/*
 * convert_f16_avx512.c - converts between f16 and f32, 16 numbers at a time.
 */
#ifndef __AVX512BW__
#error "compile with -mavx512bw -mavx512vl"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx512/geometry_avx512.h"

static __mmask16 first_lanes(size_t count)
{
	return (__mmask16)(count < 16 ? (1U << count) - 1 : 0xFFFF);
}

void quire_from_f16_avx512(const uint16_t *x, size_t count, float *y)
{
	for (size_t i = 0; i < count; i += 16) {
		const __mmask16 mask = first_lanes(count - i);

		_mm512_mask_storeu_ps(
		    y + i, mask,
		    _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, x + i)));
	}
}

void quire_to_f16_avx512(const float *x, size_t count, uint16_t *y)
{
	for (size_t i = 0; i < count; i += 16) {
		const __mmask16 mask = first_lanes(count - i);

		_mm256_mask_storeu_epi16(
		    y + i, mask,
		    _mm512_cvtps_ph(_mm512_maskz_loadu_ps(mask, x + i),
				    _MM_FROUND_TO_NEAREST_INT |
					_MM_FROUND_NO_EXC));
	}
}
