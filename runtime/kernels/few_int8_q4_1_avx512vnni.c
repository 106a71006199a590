/*
 * few_int8_q4_1_avx512vnni.c - a few rows of quantized x by rows of Q4_1, of
 * which four blocks are read at once: 20 dwords.
 */
#include "runtime/kernels/few_int8_avx512vnni.h"
#include "runtime/kernels/runs_avx512.h"

QUIRE_INLINE struct strip_block load_block(const unsigned char *const row[16],
					   size_t offset)
{
	struct strip_block block = {
		.d = load_f16_16(row, offset),
		.min = load_f16_16(row, offset + QUIRE_Q4_1_MIN),
	};

	load_nibbles16(row, offset + QUIRE_Q4_1_CODES, block.codes);
	return block;
}

QUIRE_INLINE struct strip_block take_block(const unsigned char *const row[16],
					   size_t offset,
					   __m512i dwords[MAX_DWORDS], size_t i)
{
	const __m512i *first = dwords + i * (QUIRE_Q4_1_SIZE / 4);
	struct strip_block block;

	if (i == 0)
		load_8_dwords(row, offset, dwords);
	if (i == 1)
		load_8_dwords(row, offset + 32, dwords + 8);
	if (i == 3)
		load_transposed16(row, offset + 64, dwords + 16);
	block.d = low_f16(first[0]);
	block.min = high_f16(first[0]);
	split_nibbles(first + 1, block.codes);
	return block;
}

static const struct strip_type type = {
	.load = load_block,
	.take = take_block,
	.block_size = QUIRE_Q4_1_SIZE,
	.run_blocks = 4,
	.minima = true,
};

void quire_few_int8_q4_1_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    size_t x_size, size_t x_rows, float *y,
				    size_t y_stride)
{
	multiply_strips(weights, row_size, rows, k, x, x_size, x_rows, y,
			y_stride, &type);
}
