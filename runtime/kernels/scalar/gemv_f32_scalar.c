/*
 * gemv_f32_scalar.c - one row of x by rows of W, in f32: each block of 32
 * columns is summed, and then the sums of the blocks.
 */
#include <assert.h>
#include <fp16.h>

#include "base/bytes.h"
#include "runtime/kernels/scalar/geometry_scalar.h"
#include "runtime/kernels/unroll.h"
#include "runtime/kernels/widen.h"

/* The sum of `count` columns of a block. They are 32, or fewer at the end of a
 * row of F32, F16 or BF16. */
typedef float dot_function(const unsigned char *block, const float *x,
			   size_t count);

QUIRE_INLINE float dot_q4_0(const unsigned char *block, const float *x,
			    size_t count)
{
	const float d = fp16_ieee_to_fp32_value(load_u16(block));
	const unsigned char *codes = block + QUIRE_Q4_0_CODES;
	float sum = 0.0F;

	(void)count;
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++) {
		const int low = (codes[i] & 15) - QUIRE_Q4_0_ZERO;

		sum += x[i] * ((float)low * d);
	}
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++) {
		const int high = (codes[i] >> 4) - QUIRE_Q4_0_ZERO;

		sum += x[i + QUIRE_BLOCK_COLS / 2] * ((float)high * d);
	}
	return sum;
}

QUIRE_INLINE float dot_q4_1(const unsigned char *block, const float *x,
			    size_t count)
{
	const float d = fp16_ieee_to_fp32_value(load_u16(block));
	const float m =
	    fp16_ieee_to_fp32_value(load_u16(block + QUIRE_Q4_1_MIN));
	const unsigned char *codes = block + QUIRE_Q4_1_CODES;
	float sum = 0.0F;

	(void)count;
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		sum += x[i] * ((float)(codes[i] & 15) * d + m);
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		sum += x[i + QUIRE_BLOCK_COLS / 2] *
		       ((float)(codes[i] >> 4) * d + m);
	return sum;
}

QUIRE_INLINE float dot_q8_0(const unsigned char *block, const float *x,
			    size_t count)
{
	const float d = fp16_ieee_to_fp32_value(load_u16(block));
	const int8_t *codes = (const int8_t *)(block + QUIRE_Q8_0_CODES);
	float sum = 0.0F;

	(void)count;
	for (int i = 0; i < QUIRE_BLOCK_COLS; i++)
		sum += x[i] * ((float)codes[i] * d);
	return sum;
}

QUIRE_INLINE float dot_f16(const unsigned char *block, const float *x,
			   size_t count)
{
	float sum = 0.0F;

	for (size_t i = 0; i < count; i++)
		sum += x[i] * fp16_ieee_to_fp32_value(load_u16(block + 2 * i));
	return sum;
}

QUIRE_INLINE float dot_bf16(const unsigned char *block, const float *x,
			    size_t count)
{
	float sum = 0.0F;

	for (size_t i = 0; i < count; i++)
		sum += x[i] * widen_bf16(load_u16(block + 2 * i));
	return sum;
}

QUIRE_INLINE float dot_f32(const unsigned char *block, const float *x,
			   size_t count)
{
	float sum = 0.0F;

	for (size_t i = 0; i < count; i++)
		sum += x[i] * load_f32(block + 4 * i);
	return sum;
}

/* The whole kernel, for blocks of `size` bytes. */
QUIRE_INLINE void gemv(const void *weights, size_t row_size, size_t rows,
		       size_t k, const void *x, float *y, dot_function *dot,
		       size_t size)
{
	const unsigned char *row = weights;

	for (size_t i = 0; i < rows; i++, row += row_size) {
		const unsigned char *block = row;
		const float *columns = x;
		float sum = 0.0F;

		for (size_t j = 0; j < k; j += QUIRE_BLOCK_COLS) {
			const size_t rest = k - j;

			sum += dot(block, columns + j,
				   rest < QUIRE_BLOCK_COLS ? rest
							   : QUIRE_BLOCK_COLS);
			block += size;
		}
		y[i] = sum;
	}
}

#define GEMV(type, size)                                                       \
	static void gemv_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, const void *x,          \
				float *y)                                      \
	{                                                                      \
		gemv(weights, row_size, rows, k, x, y, dot_##type, size);      \
	}

GEMV(q4_0, QUIRE_Q4_0_SIZE)
GEMV(q4_1, QUIRE_Q4_1_SIZE)
GEMV(q8_0, QUIRE_Q8_0_SIZE)
GEMV(f16, QUIRE_BLOCK_COLS * 2)
GEMV(bf16, QUIRE_BLOCK_COLS * 2)
GEMV(f32, QUIRE_BLOCK_COLS * 4)

#define ROW(type, function)                                                    \
	{                                                                      \
		.weights = (type), .x = QUIRE_X_F32_ROW,                       \
		.multiply = (function)                                         \
	}

const struct gemv_form quire_gemv_f32_scalar[] = {
	ROW(QUIRE_Q4_0, gemv_q4_0),
	ROW(QUIRE_Q4_1, gemv_q4_1),
	ROW(QUIRE_Q8_0, gemv_q8_0),
	ROW(QUIRE_F16, gemv_f16),
	ROW(QUIRE_BF16, gemv_bf16),
	ROW(QUIRE_F32, gemv_f32),
	{ 0 },
};
