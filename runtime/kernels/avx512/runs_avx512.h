/*
 * runs_avx512.h - reads a run of several blocks of each of 16 rows of W at
 * once.
 *
 * Three loads, of 32, 32 and the last bytes, read four blocks of a row, and not
 * eight: a load of codes and one of a scale for each block. With several rows
 * of x, loads are what a core has too few of. All is transposed by 4 bytes:
 * lane i of dword j holds bytes 4j to 4j + 3 of row i.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_RUNS_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_RUNS_AVX512_H

#ifndef __AVX512BW__
#error "compile with -mavx512bw"
#endif

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/unroll.h"

/* 32 bytes of rows `first` and first + 4. */
QUIRE_INLINE __m512i load_2_rows(const unsigned char *const row[16],
				 size_t first, size_t offset)
{
	const void *low = row[first] + offset;
	const void *high = row[first + 4] + offset;

	return _mm512_inserti64x4(
	    _mm512_castsi256_si512(_mm256_loadu_si256(low)),
	    _mm256_loadu_si256(high), 1);
}

/* 32 bytes of each row. Vectors that hold a row in each half are transposed
 * within their quarters. Then each has eight rows: in quarters 0 and 2 a dword
 * of their first 16 bytes, in 1 and 3 one of their last. */
QUIRE_INLINE void load_8_dwords(const unsigned char *const row[16],
				size_t offset, __m512i out[8])
{
	__m512i in[4], low[4], high[4];

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		in[i] = load_2_rows(row, i, offset);
	transpose_quarters(in, low);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		in[i] = load_2_rows(row, 8 + i, offset);
	transpose_quarters(in, high);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		out[i] = _mm512_shuffle_i32x4(low[i], high[i],
					      _MM_SHUFFLE(2, 0, 2, 0));
		out[4 + i] = _mm512_shuffle_i32x4(low[i], high[i],
						  _MM_SHUFFLE(3, 1, 3, 1));
	}
}

/* 8 bytes of each of 8 rows from `first` on, in order. */
QUIRE_INLINE __m512i load_8_rows(const unsigned char *const row[16],
				 size_t first, size_t offset)
{
	__m512i z = _mm512_setzero_si512();

	QUIRE_UNROLL
	for (size_t i = 0; i < 8; i++)
		z = _mm512_mask_broadcastq_epi64(
		    z, (__mmask8)(1U << i),
		    _mm_loadl_epi64((const void *)(row[first + i] + offset)));
	return z;
}

/* 8 bytes of each row. */
QUIRE_INLINE void load_2_dwords(const unsigned char *const row[16],
				size_t offset, __m512i out[2])
{
	const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16,
					       18, 20, 22, 24, 26, 28, 30);
	const __m512i odd = _mm512_or_si512(even, _mm512_set1_epi32(1));
	const __m512i low = load_8_rows(row, 0, offset);
	const __m512i high = load_8_rows(row, 8, offset);

	out[0] = _mm512_permutex2var_epi32(low, even, high);
	out[1] = _mm512_permutex2var_epi32(low, odd, high);
}

/* The f16 in the lower or in the upper half of each lane, as f32. */
QUIRE_INLINE __m512 low_f16(__m512i dword)
{
	return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(dword));
}

QUIRE_INLINE __m512 high_f16(__m512i dword)
{
	return low_f16(_mm512_srli_epi32(dword, 16));
}

/* The upper half of dword[0] and the lower half of dword[1]. */
QUIRE_INLINE __m512i middle(const __m512i dword[2])
{
	const __mmask32 upper = 0xaaaaaaaa; /* half of each lane */

	return _mm512_rol_epi32(
	    _mm512_mask_blend_epi16(upper, dword[1], dword[0]), 16);
}

/* A run of Q4_0 or Q4_1 is four blocks: 18 or 20 dwords. */
#define NIBBLE_RUN_BLOCKS 4
#define NIBBLE_RUN_DWORDS 20

/* A block of each row: lane i of bytes[j] has bytes 4j to 4j + 3 of row i, two
 * codes a byte. Q4_0 has no minimum. */
struct nibble_block {
	__m512i bytes[4];
	__m512 d, min;
};

/*
 * Block i of the run of Q4_0 that begins at `offset`. Called for each block in
 * order; `dwords` keeps what was read of the run. Two blocks are 9 dwords: the
 * codes of the first begin in the middle of dword 0 and end in the middle of
 * dword 4, whose upper half is the scale of the second.
 */
QUIRE_INLINE struct nibble_block take_q4_0(const unsigned char *const row[16],
					   size_t offset,
					   __m512i dwords[NIBBLE_RUN_DWORDS],
					   size_t i)
{
	const __m512i *pair = dwords + i / 2 * 9;
	const bool second = i % 2;
	struct nibble_block block = { .min = _mm512_setzero_ps() };

	if (i == 0)
		load_8_dwords(row, offset, dwords);
	if (i == 1)
		load_8_dwords(row, offset + 32, dwords + 8);
	if (i == 3)
		load_2_dwords(row, offset + 64, dwords + 16);
	block.d = second ? high_f16(pair[4]) : low_f16(pair[0]);
	QUIRE_UNROLL
	for (size_t j = 0; j < 4; j++)
		block.bytes[j] = second ? pair[5 + j] : middle(pair + j);
	return block;
}

/* The same for Q4_1: the 5 dwords of block i. */
QUIRE_INLINE const __m512i *read_q4_1(const unsigned char *const row[16],
				      size_t offset,
				      __m512i dwords[NIBBLE_RUN_DWORDS],
				      size_t i)
{
	if (i == 0)
		load_8_dwords(row, offset, dwords);
	if (i == 1)
		load_8_dwords(row, offset + 32, dwords + 8);
	if (i == 3)
		load_transposed16(row, offset + 64, dwords + 16);
	return dwords + i * (QUIRE_Q4_1_SIZE / 4);
}

QUIRE_INLINE struct nibble_block take_q4_1(const unsigned char *const row[16],
					   size_t offset,
					   __m512i dwords[NIBBLE_RUN_DWORDS],
					   size_t i)
{
	const __m512i *first = read_q4_1(row, offset, dwords, i);

	return (struct nibble_block){
		.bytes = { first[1], first[2], first[3], first[4] },
		.d = low_f16(first[0]),
		.min = high_f16(first[0]),
	};
}

/* One block, at `offset`. */
QUIRE_INLINE struct nibble_block load_block_q4_0(
    const unsigned char *const row[16], size_t offset)
{
	struct nibble_block block = { .d = load_f16_16(row, offset) };

	load_transposed16(row, offset + QUIRE_Q4_0_CODES, block.bytes);
	return block;
}

QUIRE_INLINE struct nibble_block load_block_q4_1(
    const unsigned char *const row[16], size_t offset)
{
	struct nibble_block block = {
		.d = load_f16_16(row, offset),
		.min = load_f16_16(row, offset + QUIRE_Q4_1_MIN),
	};

	load_transposed16(row, offset + QUIRE_Q4_1_CODES, block.bytes);
	return block;
}

#endif
