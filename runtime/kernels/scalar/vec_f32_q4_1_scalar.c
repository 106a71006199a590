/*
 * vec_f32_q4_1_scalar.c - one row of x by rows of Q4_1, in f32.
 */
#include <assert.h>
#include <fp16.h>

#include "base/bytes.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"

static float dot_block(const unsigned char *block, const float *x)
{
	const float d = fp16_ieee_to_fp32_value(load_u16(block));
	const float m =
	    fp16_ieee_to_fp32_value(load_u16(block + QUIRE_Q4_1_MIN));
	const unsigned char *codes = block + QUIRE_Q4_1_CODES;
	float sum = 0.0F;

	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		sum += x[i] * ((float)(codes[i] & 15) * d + m);
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		sum += x[i + QUIRE_BLOCK_COLS / 2] *
		       ((float)(codes[i] >> 4) * d + m);
	return sum;
}

void quire_vec_f32_q4_1_scalar(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y)
{
	const unsigned char *row = weights;

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++, row += row_size) {
		const unsigned char *block = row;
		const float *columns = x;
		float sum = 0.0F;

		for (size_t j = 0; j < k; j += QUIRE_BLOCK_COLS) {
			sum += dot_block(block, columns + j);
			block += QUIRE_Q4_1_SIZE;
		}
		y[i] = sum;
	}
}
