/*
 * relay_blocks.c - walks rows in blocks of 32 columns, whatever the block size
 * of the source: larger ones repeat their scale, halves of 16 share one.
 */
#include "convert/relay_blocks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void quire_blocks_split(const struct matmulnbits *weight,
			const struct finding *split, const char *what,
			char reason[QUIRE_REASON_SIZE])
{
	snprintf(reason, QUIRE_REASON_SIZE,
		 "block size %" PRIu64 ", and blocks %" PRIu64 " and %" PRIu64
		 " of row %" PRIu64 " do not share %s",
		 weight->block_size, split->at - 1, split->at, split->row,
		 what);
}

bool quire_blocks_fit(const struct matmulnbits *weight,
		      const struct survey *survey,
		      char reason[QUIRE_REASON_SIZE])
{
	const struct finding *lost = &survey->lost_scale;

	if (weight->no_padding && weight->k % QUIRE_BLOCK_COUNT != 0)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "rows of %" PRIu64 " elements are not whole blocks",
			 weight->k);
	else if (survey->reordered)
		snprintf(reason, QUIRE_REASON_SIZE, "g_idx reorders columns");
	else if (lost->found)
		snprintf(reason, QUIRE_REASON_SIZE,
			 "scale %g at row %" PRIu64 ", block %" PRIu64
			 " is not held by f16",
			 (double)lost->value, lost->row, lost->at);
	else if (survey->split_scale.found)
		quire_blocks_split(weight, &survey->split_scale, "a scale",
				   reason);
	else
		return true;
	return false;
}

/* The block of 32 columns from `col` on. */
static struct block block_at(const struct matmulnbits_rows *rows, uint64_t row,
			     uint64_t col)
{
	const struct matmulnbits *weight = rows->weight;
	const uint64_t left = weight->k - col;
	const uint64_t count =
	    left < QUIRE_BLOCK_COUNT ? left : QUIRE_BLOCK_COUNT;
	const uint64_t lower = col / weight->block_size;

	return (struct block){
		.rows = rows,
		.codes = rows->codes + row * weight->code_row_size +
			 col * weight->bits / 8,
		.count = count,
		.row = row,
		.col = col,
		.scale = quire_matmulnbits_scale(rows, row, lower),
		.zero = quire_matmulnbits_zero(rows, row, lower),
	};
}

void quire_blocks_write(const struct matmulnbits_rows *rows, size_t size,
			quire_block_fn write, unsigned char *out)
{
	const uint64_t k = rows->weight->k;

	for (uint64_t row = 0; row < rows->count; row++)
		for (uint64_t col = 0; col < k; col += QUIRE_BLOCK_COUNT) {
			const struct block block = block_at(rows, row, col);

			write(&block, out);
			out += size;
		}
}

void quire_block_codes(const struct block *block, unsigned char padding,
		       unsigned char codes[QUIRE_BLOCK_COUNT])
{
	const uint32_t bits = block->rows->weight->bits;

	for (uint64_t i = 0; i < block->count; i++)
		codes[i] =
		    (unsigned char)matmulnbits_code(block->codes, bits, i);
	memset(codes + block->count, padding,
	       (size_t)(QUIRE_BLOCK_COUNT - block->count));
}

void quire_block_nibbles(const unsigned char codes[QUIRE_BLOCK_COUNT],
			 unsigned char out[QUIRE_NIBBLES_SIZE])
{
	for (size_t i = 0; i < QUIRE_NIBBLES_SIZE; i++)
		out[i] = (unsigned char)(codes[i] |
					 codes[i + QUIRE_NIBBLES_SIZE] << 4);
}

void quire_block_interleave(const unsigned char source[QUIRE_NIBBLES_SIZE],
			    unsigned char out[QUIRE_NIBBLES_SIZE])
{
	const unsigned char *upper = source + QUIRE_NIBBLES_SIZE / 2;

	for (size_t i = 0; i < QUIRE_NIBBLES_SIZE / 2; i++) {
		out[2 * i] =
		    (unsigned char)((source[i] & 15) | (upper[i] & 15) << 4);
		out[2 * i + 1] =
		    (unsigned char)(source[i] >> 4 | (upper[i] & 0xF0));
	}
}
