/*
 * blocks_avx512vnni.h - reads a block of 16 rows of W in place as unsigned
 * codes, a row in a lane: for small-batch GEMM and for packing. A run of
 * several blocks is read at once.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_BLOCKS_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_BLOCKS_AVX512VNNI_H

#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/avx512/runs_avx512.h"
#include "runtime/kernels/avx512vnni/rows_int8_avx512vnni.h"

/* The block at `offset` of each row. */
typedef struct row_block (*load_block_fn)(const unsigned char *const row[16],
					  size_t offset);

/* The most dwords of a row in a run of blocks. */
#define MAX_DWORDS 20

/* Block i of the run that begins at `offset`. Called for each block of a run in
 * order; `dwords` keeps what was read of the run. */
typedef struct row_block (*take_block_fn)(const unsigned char *const row[16],
					  size_t offset,
					  __m512i dwords[MAX_DWORDS], size_t i);

/* A type of weights: a constant, so that its functions are inlined. Blocks are
 * taken in runs of run_blocks; the last ones, fewer than that, are loaded one
 * by one. */
struct block_type {
	load_block_fn load;
	take_block_fn take;
	size_t block_size;
	size_t run_blocks;
	bool minima;
};

QUIRE_INLINE struct row_block split_block(const struct nibble_block *block)
{
	struct row_block split = { .d = block->d, .min = block->min };

	split_nibbles(block->bytes, split.codes);
	return split;
}

QUIRE_INLINE struct row_block load_codes_q4_0(
    const unsigned char *const row[16], size_t offset)
{
	const struct nibble_block block = load_block_q4_0(row, offset);

	return split_block(&block);
}

QUIRE_INLINE struct row_block take_codes_q4_0(
    const unsigned char *const row[16], size_t offset,
    __m512i dwords[MAX_DWORDS], size_t i)
{
	const struct nibble_block block = take_q4_0(row, offset, dwords, i);

	return split_block(&block);
}

static const struct block_type blocks_q4_0 = {
	.load = load_codes_q4_0,
	.take = take_codes_q4_0,
	.block_size = QUIRE_Q4_0_SIZE,
	.run_blocks = NIBBLE_RUN_BLOCKS,
	.minima = false,
};

QUIRE_INLINE struct row_block load_codes_q4_1(
    const unsigned char *const row[16], size_t offset)
{
	const struct nibble_block block = load_block_q4_1(row, offset);

	return split_block(&block);
}

/* Not by way of a struct nibble_block: with it gcc's code is slower. */
QUIRE_INLINE struct row_block take_codes_q4_1(
    const unsigned char *const row[16], size_t offset,
    __m512i dwords[MAX_DWORDS], size_t i)
{
	const __m512i *first = read_q4_1(row, offset, dwords, i);
	struct row_block block = {
		.d = low_f16(first[0]),
		.min = high_f16(first[0]),
	};

	split_nibbles(first + 1, block.codes);
	return block;
}

static const struct block_type blocks_q4_1 = {
	.load = load_codes_q4_1,
	.take = take_codes_q4_1,
	.block_size = QUIRE_Q4_1_SIZE,
	.run_blocks = NIBBLE_RUN_BLOCKS,
	.minima = true,
};

QUIRE_INLINE struct row_block load_codes_q8_0(
    const unsigned char *const row[16], size_t offset)
{
	struct row_block block = {
		.d = load_f16_16(row, offset),
	};

	load_bytes16(row, offset + QUIRE_Q8_0_CODES, block.codes);
	return block;
}

/* Two blocks are 17 dwords. The codes of the first begin in the middle of dword
 * 0 and end in the middle of dword 8, whose other half is the second's scale.
 * Dword 16 is read with dword 15. */
QUIRE_INLINE struct row_block take_codes_q8_0(
    const unsigned char *const row[16], size_t offset,
    __m512i dwords[MAX_DWORDS], size_t i)
{
	const __m512i zero = _mm512_set1_epi8((char)QUIRE_Q8_0_ZERO);
	struct row_block block;

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

static const struct block_type blocks_q8_0 = {
	.load = load_codes_q8_0,
	.take = take_codes_q8_0,
	.block_size = QUIRE_Q8_0_SIZE,
	.run_blocks = 2,
	.minima = false,
};

#endif
