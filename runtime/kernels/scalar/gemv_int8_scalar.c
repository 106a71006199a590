/*
 * gemv_int8_scalar.c - one row of quantized x by rows of W: an exact integer
 * for each block, scaled and summed in f32.
 */
#include <assert.h>
#include <fp16.h>
#include <string.h>

#include "base/bytes.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/geometry_scalar.h"
#include "runtime/kernels/unroll.h"

/* A block of W by one of x. */
typedef float dot_function(const unsigned char *block, const unsigned char *x);

QUIRE_INLINE float load_scale(const unsigned char *x)
{
	float scale;

	memcpy(&scale, x + QUIRE_INT8_SCALES(1), sizeof(scale));
	return scale;
}

/* The sum of the codes of x, times the factor of the type. */
QUIRE_INLINE int32_t load_offset(const unsigned char *x)
{
	int32_t offset;

	memcpy(&offset, x + QUIRE_INT8_OFFSETS(1), sizeof(offset));
	return offset;
}

/* sum + codes of 4 bits times those of x. */
QUIRE_INLINE int32_t add_nibbles(int32_t sum, const unsigned char *codes,
				 const unsigned char *x)
{
	const int8_t *low = (const int8_t *)x;
	const int8_t *high = low + QUIRE_BLOCK_COLS / 2;

	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		sum += (codes[i] & 15) * low[i] + (codes[i] >> 4) * high[i];
	return sum;
}

QUIRE_INLINE float dot_q4_0(const unsigned char *block, const unsigned char *x)
{
	const float d = fp16_ieee_to_fp32_value(load_u16(block));
	const int32_t sum =
	    add_nibbles(load_offset(x), block + QUIRE_Q4_0_CODES, x);

	return (float)sum * (load_scale(x) * d);
}

/* The minimum goes with the sum of the codes of x. */
QUIRE_INLINE float dot_q4_1(const unsigned char *block, const unsigned char *x)
{
	const float d = fp16_ieee_to_fp32_value(load_u16(block));
	const float m =
	    fp16_ieee_to_fp32_value(load_u16(block + QUIRE_Q4_1_MIN));
	const int32_t sum = add_nibbles(0, block + QUIRE_Q4_1_CODES, x);

	return load_scale(x) * ((float)sum * d + (float)load_offset(x) * m);
}

/* Codes are signed: there is no zero point to subtract. */
QUIRE_INLINE float dot_q8_0(const unsigned char *block, const unsigned char *x)
{
	const float d = fp16_ieee_to_fp32_value(load_u16(block));
	const int8_t *w = (const int8_t *)(block + QUIRE_Q8_0_CODES);
	const int8_t *codes = (const int8_t *)x;
	int32_t sum = 0;

	for (int i = 0; i < QUIRE_BLOCK_COLS; i++)
		sum += w[i] * codes[i];
	return (float)sum * (load_scale(x) * d);
}

/* The whole kernel, for blocks of `size` bytes. */
QUIRE_INLINE void gemv(const void *weights, size_t row_size, size_t rows,
		       size_t k, const void *x, float *y, dot_function *dot,
		       size_t size)
{
	const unsigned char *row = weights;

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++, row += row_size) {
		const unsigned char *block = row, *columns = x;
		float sum = 0.0F;

		for (size_t j = 0; j < k; j += QUIRE_BLOCK_COLS) {
			sum += dot(block, columns);
			block += size;
			columns += QUIRE_INT8_SIZE(1);
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

#define ROW(type, sum_factor, function)                                        \
	{                                                                      \
		.weights = (type),                                             \
		.x = { .rows = 1,                                              \
		       .group = QUIRE_BLOCK_COLS,                              \
		       .size = QUIRE_INT8_SIZE(1),                             \
		       .factor = (sum_factor),                                 \
		       .prepare = quire_prepare_int8_scalar },                 \
		.multiply = (function)                                         \
	}

const struct gemv_form quire_gemv_int8_scalar[] = {
	ROW(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, gemv_q4_0),
	ROW(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, gemv_q4_1),
	ROW(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, gemv_q8_0),
	{ 0 },
};
