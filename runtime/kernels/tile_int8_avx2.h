/*
 * tile_int8_avx2.h - rows of quantized x by a panel of codes: an exact integer
 * for each block, scaled and summed in f32. What the kernels of all types of
 * weights share; each brings its own way to the integer.
 */
#ifndef QUIRE_KERNELS_TILE_INT8_AVX2_H
#define QUIRE_KERNELS_TILE_INT8_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/kernels_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

enum {
	MR = AVX2_INT8_MR
};

static inline __m256i broadcast(const unsigned char *bytes)
{
	int32_t four;

	memcpy(&four, bytes, sizeof(four));
	return _mm256_set1_epi32(four);
}

/* The integers of one block of x and of a panel, which begin at x and w. */
typedef void (*multiply_block_fn)(const unsigned char *x,
				  const unsigned char *w, __m256i s[MR][2]);

/* sum + s times the scales, for row m of the tile. */
static inline void add_scaled(const unsigned char *x, int m, const __m256i s[2],
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
static inline void add_with_minima(const unsigned char *x, int m,
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

static inline void store(float *c, __m256 sum, bool add)
{
	if (add)
		sum = _mm256_add_ps(_mm256_loadu_ps(c), sum);
	_mm256_storeu_ps(c, sum);
}

/* The whole kernel, for panels with `minima` or without. */
QUIRE_INLINE void multiply_tile(const void *x, const void *panel, size_t k,
				float *c, bool add,
				multiply_block_fn multiply_block, bool minima)
{
	const unsigned char *columns = x, *w = panel;
	__m256 sum[MR][2];

	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		sum[m][0] = sum[m][1] = _mm256_setzero_ps();
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		const float *scales =
		    (const void *)(w + QUIRE_BLOCK_COLS * AVX2_NR);
		__m256i s[MR][2];

		multiply_block(columns, w, s);
		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
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
	for (int m = 0; m < MR; m++) {
		store(c + m * AVX2_NR, sum[m][0], add);
		store(c + m * AVX2_NR + 8, sum[m][1], add);
	}
}

#endif
