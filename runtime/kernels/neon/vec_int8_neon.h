/*
 * vec_int8_neon.h - one row of quantized x by rows of W: of each block four
 * partial integers, times the scales, summed in f32. Even and odd blocks have
 * sums of their own, so that neither waits for the other. What the kernels of
 * all types and instruction sets share.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_VEC_INT8_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_VEC_INT8_NEON_H

#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

/* Four partial sums of the products of 32 codes. */
typedef int32x4_t (*dot_neon_fn)(int8x16x2_t w, int8x16x2_t x);

/* A product has 15 bits and a sign, so it is widened before it is added. */
NEON_INLINE int32x4_t dot_neon(int8x16x2_t w, int8x16x2_t x)
{
	int32x4_t sum = vdupq_n_s32(0);

	QUIRE_UNROLL
	for (int i = 0; i < 2; i++) {
		sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(w.val[i]),
						vget_low_s8(x.val[i])));
		sum = vpadalq_s16(sum, vmull_high_s8(w.val[i], x.val[i]));
	}
	return sum;
}

struct vec_int8_neon {
	size_t block_size;
	codes_neon_fn codes;
	dot_neon_fn dot;
	bool minima; /* the block has one */
};

/* sum + scale * (I d), and what the minimum adds to *low. */
NEON_INLINE float32x4_t add_int8_block_neon(const unsigned char *w,
					    const unsigned char *x,
					    struct vec_int8_neon how,
					    float32x4_t sum, float *low)
{
	const int8_t *codes = (const int8_t *)x;
	const int8x16x2_t c = { { vld1q_s8(codes), vld1q_s8(codes + 16) } };
	const float32x4_t s = vcvtq_f32_s32(how.dot(how.codes(w), c));
	float scale;

	memcpy(&scale, x + QUIRE_INT8_SCALES(1), sizeof(scale));
	if (how.minima) {
		const float32x4_t min = load_scale_neon(w + QUIRE_Q4_1_MIN);
		int32_t x_sum;

		memcpy(&x_sum, x + QUIRE_INT8_OFFSETS(1), sizeof(x_sum));
		*low += scale * ((float)x_sum * vgetq_lane_f32(min, 0));
	}
	return vfmaq_n_f32(sum, vmulq_f32(s, load_scale_neon(w)), scale);
}

/* The whole kernel. */
NEON_INLINE void vec_int8_neon(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y,
			       struct vec_int8_neon how)
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
			even = add_int8_block_neon(w, columns, how, even, &low);
			odd = add_int8_block_neon(w + how.block_size,
						  columns + QUIRE_INT8_SIZE(1),
						  how, odd, &low);
			w += 2 * how.block_size;
			columns += (size_t)2 * QUIRE_INT8_SIZE(1);
		}
		if (b < blocks)
			even = add_int8_block_neon(w, columns, how, even, &low);
		y[i] = vaddvq_f32(vaddq_f32(even, odd)) + low;
	}
}

#endif
