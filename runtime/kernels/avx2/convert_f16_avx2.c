/*
 * convert_f16_avx2.c - converts between f16 and f32, 8 numbers at a time.
 */
#ifndef __F16C__
#error "compile with -mf16c"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx2/geometry_avx2.h"

void quire_from_f16_avx2(const uint16_t *x, size_t count, float *y)
{
	size_t i = 0;

	for (; i + 8 <= count; i += 8)
		_mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128(
					    (const void *)(x + i))));
	for (; i < count; i++)
		y[i] = _cvtsh_ss(x[i]);
}

void quire_to_f16_avx2(const float *x, size_t count, uint16_t *y)
{
	size_t i = 0;

	for (; i + 8 <= count; i += 8)
		_mm_storeu_si128((void *)(y + i),
				 _mm256_cvtps_ph(_mm256_loadu_ps(x + i),
						 _MM_FROUND_TO_NEAREST_INT));
	for (; i < count; i++)
		y[i] = _cvtss_sh(x[i], _MM_FROUND_TO_NEAREST_INT);
}
