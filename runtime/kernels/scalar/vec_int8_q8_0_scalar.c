/*
 * vec_int8_q8_0_scalar.c - one row of quantized x by rows of Q8_0: an exact
 * integer for each block, scaled and summed in f32.
 */
#include <assert.h>
#include <fp16.h>

#include "base/bytes.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"

static float dot_block(const unsigned char *block, const unsigned char *x)
{
	const float d = fp16_ieee_to_fp32_value(load_u16(block));
	const int8_t *w = (const int8_t *)(block + QUIRE_Q8_0_CODES);
	const int8_t *codes = (const int8_t *)x;
	int32_t sum = 0;
	float scale;

	memcpy(&scale, x + QUIRE_INT8_SCALES(1), sizeof(scale));
	for (int i = 0; i < QUIRE_BLOCK_COLS; i++)
		sum += w[i] * codes[i];
	return (float)sum * (scale * d);
}

void quire_vec_int8_q8_0_scalar(const void *weights, size_t row_size,
				size_t rows, size_t k, const void *x, float *y)
{
	const unsigned char *row = weights;

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++, row += row_size) {
		const unsigned char *block = row, *columns = x;
		float sum = 0.0F;

		for (size_t j = 0; j < k; j += QUIRE_BLOCK_COLS) {
			sum += dot_block(block, columns);
			block += QUIRE_Q8_0_SIZE;
			columns += QUIRE_INT8_SIZE(1);
		}
		y[i] = sum;
	}
}
