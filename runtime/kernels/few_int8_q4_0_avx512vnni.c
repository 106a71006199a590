/*
 * few_int8_q4_0_avx512vnni.c - a few rows of quantized x by rows of Q4_0.
 */
#include "runtime/kernels/few_int8_avx512vnni.h"

QUIRE_INLINE struct strip_block load_block(const unsigned char *const row[16],
					   size_t offset)
{
	struct strip_block block = {
		.d = load_f16_16(row, offset),
	};

	load_nibbles16(row, offset + QUIRE_Q4_0_CODES, block.codes);
	return block;
}

static const struct strip_type type = {
	.load = load_block,
	.block_size = QUIRE_Q4_0_SIZE,
	.minima = false,
};

void quire_few_int8_q4_0_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    size_t x_size, size_t x_rows, float *y,
				    size_t y_stride)
{
	multiply_strips(weights, row_size, rows, k, x, x_size, x_rows, y,
			y_stride, &type);
}
