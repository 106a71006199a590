/*
 * vec_f32_neon.h - one row of f32 x by rows of W: 32 sums, one for each column
 * of a block, then added in pairs. What the kernels of all types share.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_VEC_F32_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_VEC_F32_NEON_H

#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

NEON_INLINE void add_block_neon(const unsigned char *weights, const float *x,
				decode_neon_fn decode,
				float32x4_t sum[NEON_VECTORS])
{
	float32x4_t w[NEON_VECTORS];

	decode(weights, w);
	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		sum[i] = vfmaq_f32(sum[i], vld1q_f32(x + (size_t)i * 4), w[i]);
}

NEON_INLINE float add_sums_neon(const float32x4_t sum[NEON_VECTORS])
{
	const float32x4_t a = vaddq_f32(sum[0], sum[4]);
	const float32x4_t b = vaddq_f32(sum[1], sum[5]);
	const float32x4_t c = vaddq_f32(sum[2], sum[6]);
	const float32x4_t d = vaddq_f32(sum[3], sum[7]);

	return vaddvq_f32(vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d)));
}

/* The whole kernel; `block_size` is that of 32 columns. Of plain types the
 * last columns may be fewer: the rest of their block is zeros, as is x's. */
NEON_INLINE void vec_f32_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y,
			      decode_neon_fn decode, size_t block_size)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const size_t rest =
	    k % QUIRE_BLOCK_COLS * block_size / QUIRE_BLOCK_COLS;
	unsigned char last[QUIRE_BLOCK_COLS * sizeof(float)] = { 0 };

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *w =
		    (const unsigned char *)weights + i * row_size;
		const float *columns = x;
		float32x4_t sum[NEON_VECTORS];

		QUIRE_UNROLL
		for (int j = 0; j < NEON_VECTORS; j++)
			sum[j] = vdupq_n_f32(0);
		for (size_t b = 0; b < blocks; b++) {
			add_block_neon(w, columns, decode, sum);
			w += block_size;
			columns += QUIRE_BLOCK_COLS;
		}
		if (rest > 0) {
			memcpy(last, w, rest);
			add_block_neon(last, columns, decode, sum);
		}
		y[i] = add_sums_neon(sum);
	}
}

#endif
