/*
 * few_int8_q8_0_avx512vnni.c - a few rows of quantized x by rows of Q8_0, of
 * which two blocks are read at once: 17 dwords.
 */
#include "runtime/kernels/few_int8_avx512vnni.h"
#include "runtime/kernels/runs_avx512.h"

QUIRE_INLINE struct strip_block load_block(const unsigned char *const row[16],
					   size_t offset)
{
	struct strip_block block = {
		.d = load_f16_16(row, offset),
	};

	load_bytes16(row, offset + QUIRE_Q8_0_CODES, block.codes);
	return block;
}

/* The codes of the first block begin in the middle of a dword; the second's
 * scale is the rest of that where they end. The last dword is read with the
 * one before it, which is there already. */
QUIRE_INLINE struct strip_block take_block(const unsigned char *const row[16],
					   size_t offset,
					   __m512i dwords[MAX_DWORDS], size_t i)
{
	const __m512i zero = _mm512_set1_epi8((char)QUIRE_Q8_0_ZERO);
	struct strip_block block;

	if (i == 0) {
		load_8_dwords(row, offset, dwords);
		load_8_dwords(row, offset + 32, dwords + 8);
		block.d = low_f16(dwords[0]);
	} else {
		load_2_dwords(row, offset + 60, dwords + 15);
		block.d = high_f16(dwords[8]);
	}
	QUIRE_UNROLL
	for (size_t j = 0; j < 8; j++)
		block.codes[j] = _mm512_xor_si512(
		    i == 0 ? middle(dwords + j) : dwords[9 + j], zero);
	return block;
}

static const struct strip_type type = {
	.load = load_block,
	.take = take_block,
	.block_size = QUIRE_Q8_0_SIZE,
	.run_blocks = 2,
	.minima = false,
};

void quire_few_int8_q8_0_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    size_t x_size, size_t x_rows, float *y,
				    size_t y_stride)
{
	multiply_strips(weights, row_size, rows, k, x, x_size, x_rows, y,
			y_stride, &type);
}
