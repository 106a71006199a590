/*
 * gemv_f32_neon.c - one row of x by rows of W, in f32: 32 sums, one for each
 * column of a block, which are then added in pairs.
 */
#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"
#include "runtime/kernels/scalar/geometry_scalar.h"

QUIRE_INLINE void add_block(const unsigned char *weights, const float *x,
			    decode_fn decode, float32x4_t sum[NEON_VECTORS])
{
	float32x4_t w[NEON_VECTORS];

	decode(weights, w);
	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		sum[i] = vfmaq_f32(sum[i], vld1q_f32(x + (size_t)i * 4), w[i]);
}

QUIRE_INLINE float add_sums(const float32x4_t sum[NEON_VECTORS])
{
	const float32x4_t a = vaddq_f32(sum[0], sum[4]);
	const float32x4_t b = vaddq_f32(sum[1], sum[5]);
	const float32x4_t c = vaddq_f32(sum[2], sum[6]);
	const float32x4_t d = vaddq_f32(sum[3], sum[7]);

	return vaddvq_f32(vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d)));
}

/* The whole kernel, for 32 columns of `block_size` bytes. A row of F32, F16 or
 * BF16 may end with fewer columns: zeros fill their block, as they fill x. */
QUIRE_INLINE void gemv(const void *weights, size_t row_size, size_t rows,
		       size_t k, const void *x, float *y, decode_fn decode,
		       size_t block_size)
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
			add_block(w, columns, decode, sum);
			w += block_size;
			columns += QUIRE_BLOCK_COLS;
		}
		if (rest > 0) {
			memcpy(last, w, rest);
			add_block(last, columns, decode, sum);
		}
		y[i] = add_sums(sum);
	}
}

#define GEMV(type, block_size)                                                 \
	static void gemv_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, const void *x,          \
				float *y)                                      \
	{                                                                      \
		gemv(weights, row_size, rows, k, x, y, decode_##type,          \
		     block_size);                                              \
	}

GEMV(q4_0, QUIRE_Q4_0_SIZE)
GEMV(q4_1, QUIRE_Q4_1_SIZE)
GEMV(q8_0, QUIRE_Q8_0_SIZE)
GEMV(f16, QUIRE_BLOCK_COLS * 2)
GEMV(bf16, QUIRE_BLOCK_COLS * 2)
GEMV(f32, QUIRE_BLOCK_COLS * sizeof(float))

#define ROW(type, function)                                                    \
	{                                                                      \
		.weights = (type), .x = QUIRE_X_F32_ROW,                       \
		.multiply = (function)                                         \
	}

const struct gemv_form quire_gemv_f32_neon[] = {
	ROW(QUIRE_Q4_0, gemv_q4_0),
	ROW(QUIRE_Q4_1, gemv_q4_1),
	ROW(QUIRE_Q8_0, gemv_q8_0),
	ROW(QUIRE_F16, gemv_f16),
	ROW(QUIRE_BF16, gemv_bf16),
	ROW(QUIRE_F32, gemv_f32),
	{ 0 },
};
