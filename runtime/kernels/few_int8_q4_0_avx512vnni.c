/*
 * few_int8_q4_0_avx512vnni.c - a few rows of quantized x by rows of Q4_0, of
 * which four blocks are read at once: 18 dwords.
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

/* Two blocks are 9 dwords: the codes of the first begin in the middle of one,
 * the second's scale is the rest of that where they end. */
QUIRE_INLINE struct strip_block take_block(const unsigned char *const row[16],
					   size_t offset,
					   __m512i dwords[MAX_DWORDS], size_t i)
{
	const __m512i *pair = dwords + i / 2 * 9;
	const bool second = i % 2;
	struct strip_block block;
	__m512i bytes[4];

	if (i == 0)
		load_8_dwords(row, offset, dwords);
	if (i == 1)
		load_8_dwords(row, offset + 32, dwords + 8);
	if (i == 3)
		load_2_dwords(row, offset + 64, dwords + 16);
	block.d = second ? high_f16(pair[4]) : low_f16(pair[0]);
	QUIRE_UNROLL
	for (size_t j = 0; j < 4; j++)
		bytes[j] = second ? pair[5 + j] : middle(pair + j);
	split_nibbles(bytes, block.codes);
	return block;
}

static const struct strip_type type = {
	.load = load_block,
	.take = take_block,
	.block_size = QUIRE_Q4_0_SIZE,
	.run_blocks = 4,
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
