/*
 * relay_q4_0.c - codes of 4 bits around a zero point of 8 become Q4_0: both
 * mean (code - 8) * scale, and differ in the order of the codes and the width
 * of the scale. So do codes of 2 bits around 2, with 6 added to each.
 */
#include <fp16.h>

#include "convert/relay_blocks.h"
#include "format/bytes.h"

/* A block of Q4_0: an f16 scale and 32 codes of 4 bits. */
#define BLOCK_SIZE (2 + QUIRE_NIBBLES_SIZE)

/* The code that decodes to 0. */
#define ZERO_CODE 8

static bool suits(const struct matmulnbits *weight, const struct survey *survey)
{
	return weight->bits <= 4 && survey->zero_default;
}

static struct rounding rounding(const struct survey *survey)
{
	return survey->scales;
}

static void write_block(const struct block *block, unsigned char *out)
{
	const uint32_t bits = block->rows->weight->bits;
	const unsigned char shift =
	    (unsigned char)(ZERO_CODE - (1u << (bits - 1)));
	unsigned char codes[QUIRE_BLOCK_COUNT];

	store_u16(out, fp16_ieee_from_fp32_value(block->scale));
	if (bits == 4 && block->count == QUIRE_BLOCK_COUNT) {
		quire_block_interleave(block->codes, out + 2);
		return;
	}
	quire_block_codes(block, (unsigned char)(ZERO_CODE - shift), codes);
	for (size_t i = 0; i < QUIRE_BLOCK_COUNT; i++)
		codes[i] = (unsigned char)(codes[i] + shift);
	quire_block_nibbles(codes, out + 2);
}

static void encode(const struct matmulnbits_rows *rows, unsigned char *out)
{
	quire_blocks_write(rows, BLOCK_SIZE, write_block, out);
}

const struct encoding quire_relay_q4_0 = { QUIRE_Q4_0, suits, quire_blocks_fit,
					   rounding, encode };
