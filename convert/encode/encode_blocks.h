/*
 * encode_blocks.h - what the block types have in common: blocks of 32 columns
 * out of blocks of any size, and reasons why none of them holds a weight.
 */
#ifndef QUIRE_CONVERT_ENCODE_ENCODE_BLOCKS_H
#define QUIRE_CONVERT_ENCODE_ENCODE_BLOCKS_H

#include "base/bytes.h"
#include "convert/encode/encode.h"
#include "format/blocks.h"

/* Whether blocks with one scale each, and columns in their own order, hold the
 * weight; if not, writes the reason. */
bool quire_blocks_fit(const struct weight *weight,
		      const struct weight_scan *scan,
		      char reason[QUIRE_REASON_SIZE]);

/* Writes the reason for two blocks of the source that lie within 32 columns and
 * differ. */
void quire_blocks_split(const struct weight *weight,
			const struct finding *split, const char *what,
			char reason[QUIRE_REASON_SIZE]);

/* One block of 32 columns; `count` of them are before column k. */
struct block {
	const struct weight_rows *rows;
	const unsigned char *codes; /* of its first column: a whole byte */
	uint64_t count;
	uint64_t row; /* in `rows` */
	uint64_t col; /* of the weight */
	float scale;
	uint16_t scale_bits; /* the same as f16 */
};

/* Writes one block; `out` has the size of one. */
typedef void (*block_fn)(const struct block *block, unsigned char *out);

/* Blocks of a row whose scales are rounded together. */
#define BLOCK_RUN_COUNT	  64
#define BLOCK_RUN_COLUMNS (UINT64_C(1) * BLOCK_RUN_COUNT * QUIRE_BLOCK_COLS)

struct block_run {
	const struct weight_rows *rows;
	uint64_t row;
	uint64_t col;
	size_t count;
	const unsigned char *codes;
	float scales[BLOCK_RUN_COUNT];
	uint16_t scale_bits[BLOCK_RUN_COUNT];
};

/* Sets all fields below `col`. */
void quire_block_run_take(struct block_run *run);

/* Calls `write` for each block of the rows, in order, `size` bytes each. It is
 * inline so that `write` is compiled into the loop. */
static inline void blocks_write(const struct weight_rows *rows, size_t size,
				block_fn write, unsigned char *out)
{
	const struct weight *weight = rows->weight;
	struct block_run run = { .rows = rows };

	for (; run.row < rows->count; run.row++)
		for (run.col = 0; run.col < weight->value.k;
		     run.col += BLOCK_RUN_COLUMNS) {
			quire_block_run_take(&run);
			for (size_t i = 0; i < run.count; i++, out += size) {
				const uint64_t at = i * QUIRE_BLOCK_COLS;
				const uint64_t left =
				    weight->value.k - run.col - at;
				const struct block block = {
					.rows = rows,
					.codes = run.codes +
						 at * weight->value.bits / 8,
					.count = left < QUIRE_BLOCK_COLS
						     ? left
						     : QUIRE_BLOCK_COLS,
					.row = run.row,
					.col = run.col + at,
					.scale = run.scales[i],
					.scale_bits = run.scale_bits[i],
				};

				write(&block, out);
			}
		}
}

/* The 32 codes of a block, with `padding` past column k. */
void quire_block_codes(const struct block *block, unsigned char padding,
		       unsigned char codes[QUIRE_BLOCK_COLS]);

/* Code i in the low half of byte i, code i + 16 in the high one. */
void quire_block_nibbles(const unsigned char codes[QUIRE_BLOCK_COLS],
			 unsigned char out[QUIRE_NIBBLES_SIZE]);

/* Bytes 0 to 3 of a word, each followed by a byte of 0. */
static inline uint64_t block_spread(uint64_t bytes)
{
	bytes &= UINT32_MAX;
	bytes = (bytes | bytes << 16) & UINT64_C(0x0000FFFF0000FFFF);
	return (bytes | bytes << 8) & UINT64_C(0x00FF00FF00FF00FF);
}

/* quire_block_nibbles for 32 codes of 4 bits as the source packs them, two
 * neighbours in a byte: even columns fill every other byte, odd ones the
 * rest. */
static inline void block_interleave(const unsigned char *source,
				    unsigned char *out)
{
	const uint64_t low = UINT64_C(0x0F0F0F0F0F0F0F0F);
	const uint64_t lower = load_u64(source);
	const uint64_t upper = load_u64(source + QUIRE_NIBBLES_SIZE / 2);
	const uint64_t even = (lower & low) | (upper & low) << 4;
	const uint64_t odd = (lower >> 4 & low) | (upper & ~low);

	store_u64(out, block_spread(even) | block_spread(odd) << 8);
	store_u64(out + QUIRE_NIBBLES_SIZE / 2,
		  block_spread(even >> 32) | block_spread(odd >> 32) << 8);
}

#endif
