/*
 * encode_q4_0.c - codes of 4 bits around a zero point of 8 become Q4_0. Both
 * mean (code - 8) * scale; they differ in the order of the codes and the width
 * of the scale. Codes of 2 bits around 2 become Q4_0 too, with 6 added to each.
 */
#include "base/bytes.h"
#include "convert/encode/encode_blocks.h"

static bool suits(const struct weight *weight, const struct weight_scan *scan)
{
	return weight->value.bits <= 4 && scan->zero_default;
}

static struct rounding rounding(const struct weight_scan *scan)
{
	return scan->scales;
}

/* A block of 2-bit codes, or with padding. */
static void write_codes(const struct block *block, unsigned char *out)
{
	const unsigned char zero =
	    (unsigned char)(1u << (block->rows->weight->value.bits - 1));
	unsigned char codes[QUIRE_BLOCK_COLS];

	quire_block_codes(block, zero, codes);
	for (size_t i = 0; i < QUIRE_BLOCK_COLS; i++)
		codes[i] = (unsigned char)(codes[i] + QUIRE_Q4_0_ZERO - zero);
	quire_block_nibbles(codes, out);
}

static inline void write_block(const struct block *block, unsigned char *out)
{
	store_u16(out + QUIRE_BLOCK_SCALE, block->scale_bits);
	if (block->rows->weight->value.bits == 4 &&
	    block->count == QUIRE_BLOCK_COLS)
		block_interleave(block->codes, out + QUIRE_Q4_0_CODES);
	else
		write_codes(block, out + QUIRE_Q4_0_CODES);
}

static void encode(const struct weight_rows *rows, unsigned char *out)
{
	blocks_write(rows, QUIRE_Q4_0_SIZE, write_block, out);
}

const struct encoding quire_encode_q4_0 = { QUIRE_Q4_0, suits, quire_blocks_fit,
					    rounding, encode };
