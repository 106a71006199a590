/*
 * prepare_int8_avx512vnni.c - quantizes x to int8, in the layouts of tiles and
 * of GEMV.
 */
#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"
#include "runtime/kernels/quantize.h"

/* The scale of a block; *inverse = the factor that quantizes its numbers. */
static float find_scale(__m512 low, __m512 high, float *inverse)
{
	const __m512i magnitude = _mm512_set1_epi32(QUIRE_F32_MAGNITUDE);
	const __m512i a = _mm512_and_si512(_mm512_castps_si512(low), magnitude);
	const __m512i b =
	    _mm512_and_si512(_mm512_castps_si512(high), magnitude);
	const int bits = _mm512_reduce_max_epi32(_mm512_max_epi32(a, b));
	float max;

	memcpy(&max, &bits, sizeof(max));
	*inverse = 0.0F;
	if (bits >= QUIRE_F32_INFINITY)
		return NAN;
	if (max <= QUIRE_INT8_TINY)
		return 0.0F;
	*inverse = QUIRE_INT8_MAX / max;
	return max / QUIRE_INT8_MAX;
}

static __m128i quantize(__m512 x, float inverse)
{
	const __m512 product = _mm512_mul_ps(x, _mm512_set1_ps(inverse));

	return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(product));
}

/* Quantizes 32 columns; lane i of *offsets is the sum of codes 4i to 4i + 3
 * of `low` and of `high`, times `factor`. */
static float quantize_block(const float *x, int32_t factor, __m128i *low,
			    __m128i *high, __m128i *offsets)
{
	const __m128i ones = _mm_set1_epi8(1);
	const __m512 x_low = _mm512_loadu_ps(x);
	const __m512 x_high = _mm512_loadu_ps(x + 16);
	float inverse;
	const float scale = find_scale(x_low, x_high, &inverse);
	__m128i sums;

	*low = quantize(x_low, inverse);
	*high = quantize(x_high, inverse);
	/* A NaN, or an infinity times 0, cannot be converted. */
	if (isnan(scale))
		*low = *high = _mm_setzero_si128();
	sums = _mm_dpbusd_epi32(_mm_setzero_si128(), ones, *low);
	sums = _mm_dpbusd_epi32(sums, ones, *high);
	*offsets = _mm_mullo_epi32(sums, _mm_set1_epi32(factor));
	return scale;
}

static int32_t add_lanes(__m128i x)
{
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4E));
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xB1));
	return _mm_cvtsi128_si32(x);
}

void quire_prepare_int8_avx512vnni(const struct x_form *form, const float *x,
				   size_t groups, size_t row, void *out)
{
	const size_t rows = form->rows;
	unsigned char *block = out;

	for (size_t g = 0; g < groups; g++) {
		unsigned char *codes = block + row * QUIRE_BLOCK_COLS;
		__m128i low, high, offsets;
		const float scale =
		    quantize_block(x, form->factor, &low, &high, &offsets);
		const int32_t offset = add_lanes(offsets) + form->begin;
		const float sum = (float)offset;

		_mm_storeu_si128((void *)codes, low);
		_mm_storeu_si128((void *)(codes + 16), high);
		memcpy(block + QUIRE_INT8_SCALES(rows) + row * sizeof(scale),
		       &scale, sizeof(scale));
		memcpy(block + QUIRE_INT8_OFFSETS(rows) + row * sizeof(offset),
		       form->sums_f32 ? (const void *)&sum : &offset,
		       sizeof(offset));
		x += QUIRE_BLOCK_COLS;
		block += form->size;
	}
}

void quire_prepare_gemv_int8_avx512vnni(const struct x_form *form,
					const float *x, size_t groups,
					size_t row, void *out)
{
	unsigned char *to = out;

	(void)row;
	for (size_t g = 0; g < groups; g++) {
		int32_t *all_offsets = (void *)(to + AVX512_GEMV_INT8_OFFSETS);
		float *scales = (void *)(to + AVX512_GEMV_INT8_SCALES);

		for (size_t b = 0; b < 16; b++) {
			const size_t four = b / 4, quarter = b % 4;
			const size_t lane = 4 * quarter + four;
			unsigned char *codes = to + 128 * four + 16 * quarter;
			__m128i low, high, offsets;

			scales[lane] = quantize_block(x, form->factor, &low,
						      &high, &offsets);
			all_offsets[lane] = add_lanes(offsets);
			_mm_store_si128((void *)codes, low);
			_mm_store_si128((void *)(codes + 64), high);
			x += QUIRE_BLOCK_COLS;
		}
		to += form->size;
	}
}
