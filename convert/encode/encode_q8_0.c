/*
 * encode_q8_0.c - codes of 8 bits become Q8_0: code minus zero point, if that
 * fits int8, times the scale rounded to f16.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/encode/encode_blocks.h"

static bool suits(const struct weight *weight, const struct weight_scan *scan)
{
	(void)scan;
	return weight->value.bits == 8;
}

static bool fits(const struct weight *weight, const struct weight_scan *scan,
		 char reason[QUIRE_REASON_SIZE])
{
	const struct finding *lost = &scan->lost_code;

	if (!quire_blocks_fit(weight, scan, reason))
		return false;
	if (!lost->found)
		return true;
	snprintf(reason, QUIRE_REASON_SIZE,
		 "code minus zero point, %g at row %" PRIu64 ", column %" PRIu64
		 ", does not fit int8",
		 (double)lost->value, lost->row, lost->at);
	return false;
}

static struct rounding rounding(const struct weight_scan *scan)
{
	return scan->scales;
}

static inline void write_block(const struct block *block, unsigned char *out)
{
	const uint64_t size = block->rows->weight->value.block_size;
	const uint64_t end = block->col + block->count;
	uint64_t i = 0;

	store_u16(out + QUIRE_BLOCK_SCALE, block->scale_bits);
	out += QUIRE_Q8_0_CODES;
	/* Smaller blocks of the source may differ in zero points. */
	for (uint64_t at = block->col / size; at * size < end; at++) {
		const int zero =
		    (int)quire_weight_zero(block->rows, block->row, at);

		for (; i < block->count && block->col + i < (at + 1) * size;
		     i++)
			out[i] = (unsigned char)(block->codes[i] - zero);
	}
	memset(out + block->count, 0,
	       (size_t)(QUIRE_BLOCK_COLS - block->count));
}

static void encode(const struct weight_rows *rows, unsigned char *out)
{
	blocks_write(rows, QUIRE_Q8_0_SIZE, write_block, out);
}

const struct encoding quire_encode_q8_0 = { QUIRE_Q8_0, suits, fits, rounding,
					    encode };
