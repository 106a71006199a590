/*
 * tile_int8_avx2.h - up to 4 rows of quantized x by a panel of 16 rows of W,
 * all block types: an exact integer for each block, scaled and summed in f32.
 * For the sets with 256-bit vectors; each has its own way to multiply integers.
 *
 * The 8 vectors of integer sums of a tile are in registers, with two of weights
 * and one of x. The f32 sums, used once a block, are in memory.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_TILE_INT8_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_TILE_INT8_AVX2_H

#include <stdbool.h>
#include <string.h>

#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/avx2/integers_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

enum {
	MR = 4, /* rows of x */
};

QUIRE_INLINE __m256i broadcast(const unsigned char *bytes)
{
	int32_t four;

	memcpy(&four, bytes, sizeof(four));
	return _mm256_set1_epi32(four);
}

QUIRE_INLINE __m256i load_offset(const unsigned char *x, int m, bool minima)
{
	return minima ? _mm256_setzero_si256()
		      : broadcast(x + QUIRE_INT8_OFFSETS(MR) + m * 4);
}

/* The integers of a block of the tile at x and of the panel at w. */
QUIRE_INLINE void multiply_block(const unsigned char *x, const unsigned char *w,
				 int rows, const struct integers *integers,
				 bool minima, __m256i s[MR][2])
{
	QUIRE_UNROLL
	for (int m = 0; m < rows; m++)
		s[m][0] = s[m][1] = integers->start(load_offset(x, m, minima));
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 4; i++) {
		const unsigned char *codes = w + i * AVX2_NR * 4;
		const __m256i w0 = _mm256_load_si256((const void *)codes);
		const __m256i w1 =
		    _mm256_load_si256((const void *)(codes + 32));

		QUIRE_UNROLL
		for (int m = 0; m < rows; m++) {
			const __m256i a =
			    broadcast(x + m * QUIRE_BLOCK_COLS + i * 4);

			s[m][0] = integers->add(s[m][0], w0, a);
			s[m][1] = integers->add(s[m][1], w1, a);
			QUIRE_HOLD(s[m][0]);
			QUIRE_HOLD(s[m][1]);
		}
	}
	QUIRE_UNROLL
	for (int m = 0; m < rows; m++) {
		const __m256i offset = load_offset(x, m, minima);

		s[m][0] = integers->finish(s[m][0], offset);
		s[m][1] = integers->finish(s[m][1], offset);
	}
}

/* sum + s times the scales, for row m of the tile. */
QUIRE_INLINE void add_scaled(const unsigned char *x, int m, const __m256i s[2],
			     const float *scales, __m256 sum[2])
{
	const __m256 scale =
	    _mm256_castsi256_ps(broadcast(x + QUIRE_INT8_SCALES(MR) + m * 4));

	QUIRE_UNROLL
	for (int v = 0; v < 2; v++) {
		const __m256 d = _mm256_load_ps(scales + (ptrdiff_t)v * 8);

		sum[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(s[v]),
					 _mm256_mul_ps(scale, d), sum[v]);
	}
}

/* The same with minima: scale * (s d + x_sum low). */
QUIRE_INLINE void add_with_minima(const unsigned char *x, int m,
				  const __m256i s[2], const float *scales,
				  __m256 sum[2])
{
	const __m256 scale =
	    _mm256_castsi256_ps(broadcast(x + QUIRE_INT8_SCALES(MR) + m * 4));
	const __m256 x_sum =
	    _mm256_cvtepi32_ps(broadcast(x + QUIRE_INT8_OFFSETS(MR) + m * 4));

	QUIRE_UNROLL
	for (int v = 0; v < 2; v++) {
		const float *d = scales + (ptrdiff_t)v * 8;
		const __m256 low = _mm256_load_ps(d + AVX2_NR);
		const __m256 block = _mm256_fmadd_ps(
		    low, x_sum,
		    _mm256_mul_ps(_mm256_cvtepi32_ps(s[v]), _mm256_load_ps(d)));

		sum[v] = _mm256_fmadd_ps(block, scale, sum[v]);
	}
}

QUIRE_INLINE void store(float *c, __m256 sum, bool add)
{
	if (add)
		sum = _mm256_add_ps(_mm256_loadu_ps(c), sum);
	_mm256_storeu_ps(c, sum);
}

/* `rows` rows of x, a constant; `minima`: the panel has them. */
QUIRE_INLINE void multiply_rows(const void *x, const void *panel, int rows,
				size_t k, float *c, bool add,
				const struct integers *integers, bool minima)
{
	const unsigned char *columns = x, *w = panel;
	__m256 sum[MR][2];

	QUIRE_UNROLL
	for (int m = 0; m < rows; m++)
		sum[m][0] = sum[m][1] = _mm256_setzero_ps();
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		const float *scales =
		    (const void *)(w + QUIRE_BLOCK_COLS * AVX2_NR);
		__m256i s[MR][2];

		multiply_block(columns, w, rows, integers, minima, s);
		QUIRE_UNROLL
		for (int m = 0; m < rows; m++) {
			if (minima)
				add_with_minima(columns, m, s[m], scales,
						sum[m]);
			else
				add_scaled(columns, m, s[m], scales, sum[m]);
		}
		columns += QUIRE_INT8_SIZE(MR);
		w += minima ? AVX2_INT8_MIN_BLOCK_SIZE : AVX2_INT8_BLOCK_SIZE;
	}
	QUIRE_UNROLL
	for (int m = 0; m < rows; m++) {
		store(c + m * AVX2_NR, sum[m][0], add);
		store(c + m * AVX2_NR + 8, sum[m][1], add);
	}
}

/* The whole kernel. */
QUIRE_INLINE void multiply_tile(const void *x, const void *panel, size_t rows,
				size_t k, float *c, bool add,
				const struct integers *integers, bool minima)
{
	_Static_assert(MR == 4, "one case for each count");
#define MULTIPLY(count)                                                        \
	multiply_rows(x, panel, count, k, c, add, integers, minima)
	if (rows >= 4)
		MULTIPLY(4);
	else if (rows == 3)
		MULTIPLY(3);
	else if (rows == 2)
		MULTIPLY(2);
	else
		MULTIPLY(1);
#undef MULTIPLY
}

#define QUIRE_TILE_INT8(type, integers, minima)                                \
	static void tile_##type(const void *x, const void *panel, size_t rows, \
				size_t k, float *c, bool add)                  \
	{                                                                      \
		multiply_tile(x, panel, rows, k, c, add, integers, minima);    \
	}

/* From `first` rows of x on. */
#define QUIRE_TILE_INT8_ROW(TYPE, type, first)                                 \
	{                                                                      \
		.weights = QUIRE_##TYPE,                                       \
		.x = { .rows = MR,                                             \
		       .group = QUIRE_BLOCK_COLS,                              \
		       .size = QUIRE_INT8_SIZE(MR),                            \
		       .factor = QUIRE_##TYPE##_FACTOR,                        \
		       .even = true,                                           \
		       .prepare = quire_prepare_int8_avx2 },                   \
		.from = (first), .packs = quire_pack_int8_avx2,                \
		.multiply = tile_##type                                        \
	}

#endif
