/*
 * gemv_int8_neon.h - one row of quantized x by rows of W: four partial integer
 * sums of each block, times the scales, are summed in f32. Even and odd blocks
 * have sums of their own, so that neither waits for the other. A source that
 * includes this says how codes are multiplied.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_GEMV_INT8_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_GEMV_INT8_NEON_H

#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

/* Four partial sums of the products of 32 codes. */
typedef int32x4_t (*dot_fn)(int8x16x2_t w, int8x16x2_t x);

struct gemv_int8 {
	size_t block_size;
	codes_fn codes;
	dot_fn dot;
	bool minima; /* the block has one */
};

/* Returns sum + scale * (I d), and adds the term of the minimum to *low. */
QUIRE_INLINE float32x4_t add_block(const unsigned char *w,
				   const unsigned char *x, struct gemv_int8 how,
				   float32x4_t sum, float *low)
{
	const int8_t *codes = (const int8_t *)x;
	const int8x16x2_t c = { { vld1q_s8(codes), vld1q_s8(codes + 16) } };
	const float32x4_t s = vcvtq_f32_s32(how.dot(how.codes(w), c));
	float scale;

	memcpy(&scale, x + QUIRE_INT8_SCALES(1), sizeof(scale));
	if (how.minima) {
		const float32x4_t min = load_scale(w + QUIRE_Q4_1_MIN);
		int32_t x_sum;

		memcpy(&x_sum, x + QUIRE_INT8_OFFSETS(1), sizeof(x_sum));
		*low += scale * ((float)x_sum * vgetq_lane_f32(min, 0));
	}
	return vfmaq_n_f32(sum, vmulq_f32(s, load_scale(w)), scale);
}

/* The whole kernel. */
QUIRE_INLINE void gemv_int8(const void *weights, size_t row_size, size_t rows,
			    size_t k, const void *x, float *y,
			    struct gemv_int8 how)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *w =
		    (const unsigned char *)weights + i * row_size;
		const unsigned char *columns = x;
		float32x4_t even = vdupq_n_f32(0), odd = even;
		float low = 0.0F;
		size_t b = 0;

		for (; b + 2 <= blocks; b += 2) {
			even = add_block(w, columns, how, even, &low);
			odd = add_block(w + how.block_size,
					columns + QUIRE_INT8_SIZE(1), how, odd,
					&low);
			w += 2 * how.block_size;
			columns += (size_t)2 * QUIRE_INT8_SIZE(1);
		}
		if (b < blocks)
			even = add_block(w, columns, how, even, &low);
		y[i] = vaddvq_f32(vaddq_f32(even, odd)) + low;
	}
}

/* A kernel; `minima` says whether blocks have one. */
#define GEMV_INT8(type, size, dot_, minima_)                                   \
	static void gemv_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, const void *x,          \
				float *y)                                      \
	{                                                                      \
		const struct gemv_int8 how = {                                 \
			.block_size = (size),                                  \
			.codes = codes_##type,                                 \
			.dot = (dot_),                                         \
			.minima = (minima_),                                   \
		};                                                             \
                                                                               \
		gemv_int8(weights, row_size, rows, k, x, y, how);              \
	}

#define GEMV_INT8_ROW(type, sum_factor, function)                              \
	{                                                                      \
		.weights = (type), .x = NEON_X_INT8(1, sum_factor),            \
		.multiply = (function)                                         \
	}

#endif
