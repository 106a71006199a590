/*
 * relay_blocks.h - what the block types share: blocks of 32 columns out of
 * blocks of any size, and what keeps a weight from all of them alike. Knows
 * no block's layout but the order of nibbles that Q4_0 and Q4_1 have.
 */
#ifndef QUIRE_CONVERT_RELAY_BLOCKS_H
#define QUIRE_CONVERT_RELAY_BLOCKS_H

#include "convert/relay.h"

/* Columns of a block. */
#define QUIRE_BLOCK_COUNT 32

/* Bytes of 32 codes of 4 bits. */
#define QUIRE_NIBBLES_SIZE 16

/* Whether blocks with one scale each, and no order of columns but their own,
 * hold the weight; else writes the reason. */
bool quire_blocks_fit(const struct matmulnbits *weight,
		      const struct survey *survey,
		      char reason[QUIRE_REASON_SIZE]);

/* Writes that reason for blocks that share 32 columns and differ. */
void quire_blocks_split(const struct matmulnbits *weight,
			const struct finding *split, const char *what,
			char reason[QUIRE_REASON_SIZE]);

/* One block of 32 columns, of which `count` are before column k. */
struct block {
	const struct matmulnbits_rows *rows;
	const unsigned char *codes; /* of its first column: a whole byte */
	uint64_t count;
	uint64_t row; /* in `rows` */
	uint64_t col; /* of the weight */
	float scale;
	float zero; /* of its first column */
};

/* Writes one block; `out` has the size of one. */
typedef void (*quire_block_fn)(const struct block *block, unsigned char *out);

/* Calls `write` for each block of the rows, in order, `size` bytes each. */
void quire_blocks_write(const struct matmulnbits_rows *rows, size_t size,
			quire_block_fn write, unsigned char *out);

/* The 32 codes of a block; `padding` for those past column k. */
void quire_block_codes(const struct block *block, unsigned char padding,
		       unsigned char codes[QUIRE_BLOCK_COUNT]);

/* Code i in the low half of byte i, code i + 16 in the high one. */
void quire_block_nibbles(const unsigned char codes[QUIRE_BLOCK_COUNT],
			 unsigned char out[QUIRE_NIBBLES_SIZE]);

/* The same for 4-bit codes as the source has them, pairs of neighbours. */
void quire_block_interleave(const unsigned char source[QUIRE_NIBBLES_SIZE],
			    unsigned char out[QUIRE_NIBBLES_SIZE]);

#endif
