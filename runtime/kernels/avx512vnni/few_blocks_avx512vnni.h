/*
 * few_blocks_avx512vnni.h - how the few form reads a block of 16 rows of each
 * type of weights, some of them at once.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_FEW_BLOCKS_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_FEW_BLOCKS_AVX512VNNI_H

#include "runtime/kernels/avx512/runs_avx512.h"
#include "runtime/kernels/avx512vnni/few_int8_avx512vnni.h"

QUIRE_INLINE struct strip_block split_block(const struct nibble_block *block)
{
	struct strip_block split = { .d = block->d, .min = block->min };

	split_nibbles(block->bytes, split.codes);
	return split;
}

QUIRE_INLINE struct strip_block few_load_q4_0(
    const unsigned char *const row[16], size_t offset)
{
	const struct nibble_block block = load_block_q4_0(row, offset);

	return split_block(&block);
}

QUIRE_INLINE struct strip_block few_take_q4_0(
    const unsigned char *const row[16], size_t offset,
    __m512i dwords[MAX_DWORDS], size_t i)
{
	const struct nibble_block block = take_q4_0(row, offset, dwords, i);

	return split_block(&block);
}

static const struct strip_type few_q4_0 = {
	.load = few_load_q4_0,
	.take = few_take_q4_0,
	.block_size = QUIRE_Q4_0_SIZE,
	.run_blocks = NIBBLE_RUN_BLOCKS,
	.minima = false,
};

QUIRE_INLINE struct strip_block few_load_q4_1(
    const unsigned char *const row[16], size_t offset)
{
	const struct nibble_block block = load_block_q4_1(row, offset);

	return split_block(&block);
}

/* Split where they are: by way of a nibble_block gcc's code is slower. */
QUIRE_INLINE struct strip_block few_take_q4_1(
    const unsigned char *const row[16], size_t offset,
    __m512i dwords[MAX_DWORDS], size_t i)
{
	const __m512i *first = read_q4_1(row, offset, dwords, i);
	struct strip_block block = {
		.d = low_f16(first[0]),
		.min = high_f16(first[0]),
	};

	split_nibbles(first + 1, block.codes);
	return block;
}

static const struct strip_type few_q4_1 = {
	.load = few_load_q4_1,
	.take = few_take_q4_1,
	.block_size = QUIRE_Q4_1_SIZE,
	.run_blocks = NIBBLE_RUN_BLOCKS,
	.minima = true,
};

QUIRE_INLINE struct strip_block few_load_q8_0(
    const unsigned char *const row[16], size_t offset)
{
	struct strip_block block = {
		.d = load_f16_16(row, offset),
	};

	load_bytes16(row, offset + QUIRE_Q8_0_CODES, block.codes);
	return block;
}

/* Two blocks are 17 dwords. The codes of the first begin in the middle of a
 * dword; the second's scale is the rest of that where they end. The last dword
 * is read with the one before it, which is there already. */
QUIRE_INLINE struct strip_block few_take_q8_0(
    const unsigned char *const row[16], size_t offset,
    __m512i dwords[MAX_DWORDS], size_t i)
{
	const __m512i zero = _mm512_set1_epi8((char)QUIRE_Q8_0_ZERO);
	struct strip_block block;

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

static const struct strip_type few_q8_0 = {
	.load = few_load_q8_0,
	.take = few_take_q8_0,
	.block_size = QUIRE_Q8_0_SIZE,
	.run_blocks = 2,
	.minima = false,
};

#endif
