/*
 * tile_int8_neon.h - rows of quantized x by a panel of codes: an exact integer
 * for each block, scaled and summed in f32. A source that includes this has
 * multiply_block, which computes the integers.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_TILE_INT8_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_TILE_INT8_NEON_H

#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

enum {
	MR = NEON_INT8_MR
};

/* The integers of one block: s[m][v] has columns 4v to 4v + 3 of row m. */
typedef void (*multiply_block_fn)(const int8_t *x, const int8_t *w,
				  int32x4_t s[MR][2]);

QUIRE_INLINE void store(float *c, float32x4_t sum, bool add)
{
	if (add)
		sum = vaddq_f32(vld1q_f32(c), sum);
	vst1q_f32(c, sum);
}

/* sum + scale * (s d), or, with minima, sum + scale * (s d + x_sum low). */
QUIRE_INLINE void add_scaled(const unsigned char *x, int m,
			     const int32x4_t s[2], const float *scales,
			     bool minima, float32x4_t sum[2])
{
	float scale;
	int32_t x_sum;

	memcpy(&scale, x + QUIRE_INT8_SCALES(MR) + m * 4, sizeof(scale));
	memcpy(&x_sum, x + QUIRE_INT8_OFFSETS(MR) + m * 4, sizeof(x_sum));
	QUIRE_UNROLL
	for (int v = 0; v < 2; v++) {
		const float *d = scales + (ptrdiff_t)v * 4;
		float32x4_t block =
		    vmulq_f32(vcvtq_f32_s32(s[v]), vld1q_f32(d));

		if (minima)
			block = vfmaq_n_f32(block, vld1q_f32(d + NEON_NR),
					    (float)x_sum);
		sum[v] = vfmaq_n_f32(sum[v], block, scale);
	}
}

/* The whole kernel, for panels with `minima` or without. */
QUIRE_INLINE void tile_int8(const void *x, const void *panel, size_t k,
			    float *c, bool add,
			    multiply_block_fn multiply_block, bool minima)
{
	const unsigned char *columns = x, *w = panel;
	float32x4_t sum[MR][2];

	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		sum[m][0] = sum[m][1] = vdupq_n_f32(0);
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
		const float *scales =
		    (const void *)(w + QUIRE_BLOCK_COLS * NEON_NR);
		int32x4_t s[MR][2];

		multiply_block((const int8_t *)columns, (const int8_t *)w, s);
		QUIRE_UNROLL
		for (int m = 0; m < MR; m++)
			add_scaled(columns, m, s[m], scales, minima, sum[m]);
		columns += QUIRE_INT8_SIZE(MR);
		w += minima ? NEON_INT8_MIN_BLOCK_SIZE : NEON_INT8_BLOCK_SIZE;
	}
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		store(c + (ptrdiff_t)m * NEON_NR, sum[m][0], add);
		store(c + (ptrdiff_t)m * NEON_NR + 4, sum[m][1], add);
	}
}

/* Two kernels: for panels without minima, and with them. They multiply all rows
 * of the tile, whatever `rows` is. */
#define TILES_INT8(multiply_block)                                             \
	static void tile_zero(const void *x, const void *panel, size_t rows,   \
			      size_t k, float *c, bool add)                    \
	{                                                                      \
		(void)rows;                                                    \
		tile_int8(x, panel, k, c, add, multiply_block, false);         \
	}                                                                      \
	static void tile_minima(const void *x, const void *panel, size_t rows, \
				size_t k, float *c, bool add)                  \
	{                                                                      \
		(void)rows;                                                    \
		tile_int8(x, panel, k, c, add, multiply_block, true);          \
	}

#define TILE_INT8_ROW(type, sum_factor, first, list, function)                 \
	{                                                                      \
		.weights = (type), .x = NEON_X_INT8(NEON_INT8_MR, sum_factor), \
		.from = (first), .packs = (list), .multiply = (function)       \
	}

#endif
