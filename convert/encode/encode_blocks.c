/*
 * encode_blocks.c - walks rows in blocks of 32 columns, whatever the block size
 * of the source. Larger blocks of the source repeat their scale; smaller ones
 * within 32 columns have equal scales.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "convert/encode/encode_blocks.h"

void quire_blocks_split(const struct weight *weight,
			const struct finding *split, const char *what,
			char reason[QUIRE_REASON_SIZE])
{
	snprintf(reason, QUIRE_REASON_SIZE,
		 "block size %" PRIu64 ", and blocks %" PRIu64 " and %" PRIu64
		 " of row %" PRIu64 " do not share %s",
		 weight->value.block_size, split->at - 1, split->at, split->row,
		 what);
}

bool quire_blocks_fit(const struct weight *weight,
		      const struct weight_scan *scan,
		      char reason[QUIRE_REASON_SIZE])
{
	const struct finding *lost = &scan->lost_scale;

	if (weight->intent.no_padding &&
	    weight->value.k % QUIRE_BLOCK_COLS != 0)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "rows of %" PRIu64 " elements are not whole blocks",
			 weight->value.k);
	else if (scan->reordered)
		snprintf(reason, QUIRE_REASON_SIZE, "g_idx reorders columns");
	else if (scan->split_scale.found && weight->value.block_size == 1)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "each column has a scale of its own, and block types "
			 "have one for 32 columns of a row");
	else if (lost->found)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "scale %g at row %" PRIu64 ", block %" PRIu64
			 " does not fit f16",
			 (double)lost->value, lost->row, lost->at);
	else if (scan->split_scale.found)
		quire_blocks_split(weight, &scan->split_scale, "a scale",
				   reason);
	else
		return true;
	return false;
}

/* The scales of `count` blocks of 32 columns from `col` on. */
static void take_scales(const struct weight_rows *rows, uint64_t row,
			uint64_t col, size_t count, float *scales)
{
	const struct weight *weight = rows->weight;

	if (weight->value.block_size == QUIRE_BLOCK_COLS) {
		quire_weight_scales(
		    rows, row * weight->value.blocks + col / QUIRE_BLOCK_COLS,
		    count, scales);
		return;
	}
	for (size_t i = 0; i < count; i++, col += QUIRE_BLOCK_COLS)
		scales[i] = quire_weight_scale(rows, row,
					       col / weight->value.block_size);
}

void quire_block_run_take(struct block_run *run)
{
	const struct weight *weight = run->rows->weight;
	const uint64_t left = weight->value.k - run->col;
	const uint64_t columns =
	    left < BLOCK_RUN_COLUMNS ? left : BLOCK_RUN_COLUMNS;

	run->count =
	    (size_t)((columns + QUIRE_BLOCK_COLS - 1) / QUIRE_BLOCK_COLS);
	run->codes = run->rows->codes +
		     run->row * weight->storage.codes.row_size +
		     run->col * weight->value.bits / 8;
	take_scales(run->rows, run->row, run->col, run->count, run->scales);
	quire_halves_of(run->scales, run->count, run->scale_bits);
}

void quire_block_codes(const struct block *block, unsigned char padding,
		       unsigned char codes[QUIRE_BLOCK_COLS])
{
	const uint32_t bits = block->rows->weight->value.bits;

	for (uint64_t i = 0; i < block->count; i++)
		codes[i] = (unsigned char)weight_code(block->codes, bits, i);
	memset(codes + block->count, padding,
	       (size_t)(QUIRE_BLOCK_COLS - block->count));
}

void quire_block_nibbles(const unsigned char codes[QUIRE_BLOCK_COLS],
			 unsigned char out[QUIRE_NIBBLES_SIZE])
{
	for (size_t i = 0; i < QUIRE_NIBBLES_SIZE; i++)
		out[i] = (unsigned char)(codes[i] |
					 codes[i + QUIRE_NIBBLES_SIZE] << 4);
}
