/*
 * encode_q4_0.c - codes of 4 bits around a zero point of 8 become Q4_0: both
 * mean (code - 8) * scale, and differ in the order of the codes and the width
 * of the scale. So do codes of 2 bits around 2, with 6 added to each.
 */
#include "base/bytes.h"
#include "convert/encode/encode_blocks.h"

/* A block of Q4_0: an f16 scale and 32 codes of 4 bits. */
#define BLOCK_SIZE (2 + QUIRE_NIBBLES_SIZE)

/* The code that decodes to 0. */
#define ZERO_CODE 8

static bool suits(const struct weight *weight, const struct weight_scan *scan)
{
	return weight->bits <= 4 && scan->zero_default;
}

static struct rounding rounding(const struct weight_scan *scan)
{
	return scan->scales;
}

/* One of other codes than the source's, or with padding. */
static void write_codes(const struct block *block, unsigned char *out)
{
	const unsigned char zero =
	    (unsigned char)(1u << (block->rows->weight->bits - 1));
	unsigned char codes[QUIRE_BLOCK_COUNT];

	quire_block_codes(block, zero, codes);
	for (size_t i = 0; i < QUIRE_BLOCK_COUNT; i++)
		codes[i] = (unsigned char)(codes[i] + ZERO_CODE - zero);
	quire_block_nibbles(codes, out);
}

static inline void write_block(const struct block *block, unsigned char *out)
{
	store_u16(out, block->scale_bits);
	if (block->rows->weight->bits == 4 && block->count == QUIRE_BLOCK_COUNT)
		block_interleave(block->codes, out + 2);
	else
		write_codes(block, out + 2);
}

static void encode(const struct weight_rows *rows, unsigned char *out)
{
	blocks_write(rows, BLOCK_SIZE, write_block, out);
}

const struct encoding quire_encode_q4_0 = { QUIRE_Q4_0, suits, quire_blocks_fit,
					    rounding, encode };
