/*
 * encode_q4_1.c - codes of 2 or 4 bits around any other zero point become Q4_1:
 * code * scale + offset with offset = -zero * scale. The codes stay; scale and
 * offset are rounded to f16, each once.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/bytes.h"
#include "convert/encode/encode_blocks.h"

#define GREATEST_CODE 15

static bool suits(const struct weight *weight, const struct weight_scan *scan)
{
	return weight->value.bits <= 4 && !scan->zero_default;
}

static bool fits(const struct weight *weight, const struct weight_scan *scan,
		 char reason[QUIRE_REASON_SIZE])
{
	const struct finding *lost = &scan->lost_offset;

	if (!quire_blocks_fit(weight, scan, reason))
		return false;
	if (lost->found)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "offset %g (zero point times scale) at row %" PRIu64
			 ", block %" PRIu64 " does not fit f16",
			 (double)lost->value, lost->row, lost->at);
	else if (scan->split_offset.found)
		quire_blocks_split(weight, &scan->split_offset, "a zero point",
				   reason);
	else
		return true;
	return false;
}

/* There are as many offsets as scales. */
static struct rounding rounding(const struct weight_scan *scan)
{
	return (struct rounding){
		.max = fmax(scan->scales.max, scan->offsets.max),
		.mean = (scan->scales.mean + scan->offsets.mean) / 2,
	};
}

/* The code that decodes to 0, or nearest to it. */
static unsigned char padding(float zero)
{
	return (unsigned char)fminf(fmaxf(rintf(zero), 0), GREATEST_CODE);
}

static inline void write_block(const struct block *block, unsigned char *out)
{
	const struct weight *weight = block->rows->weight;
	const float zero = quire_weight_zero(
	    block->rows, block->row, block->col / weight->value.block_size);
	unsigned char codes[QUIRE_BLOCK_COLS];

	store_u16(out + QUIRE_BLOCK_SCALE, block->scale_bits);
	store_u16(out + QUIRE_Q4_1_MIN, quire_offset_bits(zero, block->scale));
	if (weight->value.bits == 4 && block->count == QUIRE_BLOCK_COLS) {
		block_interleave(block->codes, out + QUIRE_Q4_1_CODES);
		return;
	}
	quire_block_codes(block, padding(zero), codes);
	quire_block_nibbles(codes, out + QUIRE_Q4_1_CODES);
}

static void encode(const struct weight_rows *rows, unsigned char *out)
{
	blocks_write(rows, QUIRE_Q4_1_SIZE, write_block, out);
}

const struct encoding quire_encode_q4_1 = { QUIRE_Q4_1, suits, fits, rounding,
					    encode };
