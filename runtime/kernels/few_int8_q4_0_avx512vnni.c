/*
 * few_int8_q4_0_avx512vnni.c - a few rows of quantized x by rows of Q4_0, of
 * which four blocks are read at once.
 */
#include "runtime/kernels/few_int8_avx512vnni.h"
#include "runtime/kernels/runs_avx512.h"

QUIRE_INLINE struct strip_block load_block(const unsigned char *const row[16],
					   size_t offset)
{
	struct strip_block block = {
		.d = load_f16_16(row, offset),
	};

	load_nibbles16(row, offset + QUIRE_Q4_0_CODES, block.codes);
	return block;
}

QUIRE_INLINE struct strip_block take_block(const unsigned char *const row[16],
					   size_t offset,
					   __m512i dwords[MAX_DWORDS], size_t i)
{
	const struct nibble_block taken = take_q4_0(row, offset, dwords, i);
	struct strip_block block = { .d = taken.d };

	split_nibbles(taken.bytes, block.codes);
	return block;
}

static const struct strip_type type = {
	.load = load_block,
	.take = take_block,
	.block_size = QUIRE_Q4_0_SIZE,
	.run_blocks = Q4_0_RUN_BLOCKS,
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
