/*
 * prepare_int8_avx2.c - quantizes x to int8, in the layouts of tiles and of
 * GEMV.
 */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

#define VECTORS (QUIRE_BLOCK_COLS / 8)

static int max_lane(__m256i x)
{
	__m128i m = _mm_max_epi32(_mm256_castsi256_si128(x),
				  _mm256_extracti128_si256(x, 1));

	m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4E));
	return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xB1)));
}

static int32_t add_lanes(__m256i x)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(x),
				  _mm256_extracti128_si256(x, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
}

/* The scale of a block; *inverse = the factor that quantizes its numbers. */
static float find_scale(const __m256 x[VECTORS], float *inverse)
{
	const __m256i magnitude = _mm256_set1_epi32(QUIRE_F32_MAGNITUDE);
	__m256i most = _mm256_setzero_si256();
	float max;
	int bits;

	QUIRE_UNROLL
	for (int i = 0; i < VECTORS; i++)
		most = _mm256_max_epi32(
		    most,
		    _mm256_and_si256(_mm256_castps_si256(x[i]), magnitude));
	bits = max_lane(most);
	memcpy(&max, &bits, sizeof(max));
	*inverse = 0.0F;
	if (bits >= QUIRE_F32_INFINITY)
		return NAN;
	if (max <= QUIRE_INT8_TINY)
		return 0.0F;
	*inverse = QUIRE_INT8_MAX / max;
	return max / QUIRE_INT8_MAX;
}

/* 32 codes in order. */
static __m256i quantize(const __m256 x[VECTORS], float inverse)
{
	const __m256 factor = _mm256_set1_ps(inverse);
	__m256i codes[VECTORS];

	QUIRE_UNROLL
	for (int i = 0; i < VECTORS; i++)
		codes[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], factor));
	/* Packing works within halves: dwords 0 2 4 6, then 1 3 5 7. */
	return _mm256_permutevar8x32_epi32(
	    _mm256_packs_epi16(_mm256_packs_epi32(codes[0], codes[1]),
			       _mm256_packs_epi32(codes[2], codes[3])),
	    _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* Quantizes 32 columns and returns the scale; lane i of *offsets is the sum of
 * codes 2i and 2i + 1, times `factor`: at most 128 x 254. */
static float quantize_block(const float *x, int32_t factor, __m256i *codes,
			    __m256i *offsets)
{
	const __m256i ones = _mm256_set1_epi8(1);
	__m256 columns[VECTORS];
	float inverse, scale;

	QUIRE_UNROLL
	for (int i = 0; i < VECTORS; i++)
		columns[i] = _mm256_loadu_ps(x + (ptrdiff_t)i * 8);
	scale = find_scale(columns, &inverse);
	/* A NaN, or an infinity times 0, cannot be converted. */
	*codes =
	    isnan(scale) ? _mm256_setzero_si256() : quantize(columns, inverse);
	*offsets = _mm256_mullo_epi16(_mm256_maddubs_epi16(ones, *codes),
				      _mm256_set1_epi16((short)factor));
	return scale;
}

void quire_prepare_int8_avx2(const struct x_form *form, const float *x,
			     size_t groups, size_t row, void *out)
{
	const size_t rows = form->rows;
	unsigned char *block = out;

	for (size_t g = 0; g < groups; g++) {
		__m256i codes, offsets;
		const float scale =
		    quantize_block(x, form->factor, &codes, &offsets);
		const int32_t offset =
		    add_lanes(_mm256_madd_epi16(offsets, _mm256_set1_epi16(1)));

		_mm256_storeu_si256((void *)(block + row * QUIRE_BLOCK_COLS),
				    codes);
		memcpy(block + QUIRE_INT8_SCALES(rows) + row * sizeof(scale),
		       &scale, sizeof(scale));
		memcpy(block + QUIRE_INT8_OFFSETS(rows) + row * sizeof(offset),
		       &offset, sizeof(offset));
		x += QUIRE_BLOCK_COLS;
		block += form->size;
	}
}

/* Stores the codes of block i of a group as geometry_avx2.h lays them out: each
 * half beside that of the other block of its pair. */
static void store_codes(unsigned char *group, size_t i, __m256i codes)
{
	unsigned char *at = group + i % 4 * 2 * QUIRE_BLOCK_COLS + i / 4 * 16;

	_mm_store_si128((void *)at, _mm256_castsi256_si128(codes));
	_mm_store_si128((void *)(at + QUIRE_BLOCK_COLS),
			_mm256_extracti128_si256(codes, 1));
}

void quire_prepare_gemv_int8_avx2(const struct x_form *form, const float *x,
				  size_t groups, size_t row, void *out)
{
	unsigned char *group = out;

	(void)row;
	for (size_t g = 0; g < groups; g++, group += form->size) {
		float scales[AVX2_GEMV_INT8_BLOCKS];
		int32_t all_offsets[AVX2_GEMV_INT8_BLOCKS];

		for (size_t i = 0; i < AVX2_GEMV_INT8_BLOCKS; i++) {
			__m256i codes, offsets;

			scales[i] =
			    quantize_block(x, form->factor, &codes, &offsets);
			all_offsets[i] = add_lanes(
			    _mm256_madd_epi16(offsets, _mm256_set1_epi16(1)));
			store_codes(group, i, codes);
			x += QUIRE_BLOCK_COLS;
		}
		memcpy(group + AVX2_GEMV_INT8_SCALES, scales, sizeof(scales));
		memcpy(group + AVX2_GEMV_INT8_OFFSETS, all_offsets,
		       sizeof(all_offsets));
	}
}
