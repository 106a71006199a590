/*
 * pack_f32_nibbles_avx512.h - rows of Q4_0 or Q4_1 decoded to a panel of f32:
 * what both types share.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_PACK_F32_NIBBLES_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_PACK_F32_NIBBLES_AVX512_H

#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/avx512/runs_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* A type of weights. Constant wherever it is used, so that all is inlined. */
struct nibble_decoder {
	struct nibble_block (*load)(const unsigned char *const row[16],
				    size_t offset);
	struct nibble_block (*take)(const unsigned char *const row[16],
				    size_t offset,
				    __m512i dwords[NIBBLE_RUN_DWORDS],
				    size_t i);
	size_t block_size;
	float first; /* the number of code 0; the next is 1 more */
	bool minima;
};

/* The number of the lowest 4 bits of each lane, at which alone the permute
 * looks, in a block of that row. */
QUIRE_INLINE __m512 decode_lanes(__m512i codes,
				 const struct nibble_block *block,
				 const struct nibble_decoder *type)
{
	const __m512 values =
	    _mm512_add_ps(_mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					 12, 13, 14, 15),
			  _mm512_set1_ps(type->first));
	const __m512 numbers = _mm512_permutexvar_ps(codes, values);

	return type->minima ? _mm512_fmadd_ps(numbers, block->d, block->min)
			    : _mm512_mul_ps(numbers, block->d);
}

/* Decodes a block of 16 rows, a row a lane, to 32 columns of the panel. */
QUIRE_INLINE void decode_block(const struct nibble_block *block, float *panel,
			       const struct nibble_decoder *type)
{
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++) {
		const unsigned int shift = (unsigned int)(i % 4 * 8);
		const __m512i bytes = block->bytes[i / 4];
		float *to = panel + (ptrdiff_t)i * AVX512_F32_NR;

		_mm512_store_ps(
		    to,
		    decode_lanes(_mm512_srli_epi32(bytes, shift), block, type));
		_mm512_store_ps(
		    to + (ptrdiff_t)16 * AVX512_F32_NR,
		    decode_lanes(_mm512_srli_epi32(bytes, shift + 4), block,
				 type));
	}
}

/* All blocks of 16 rows, in runs, and what is left one by one. */
QUIRE_INLINE void pack_rows(const unsigned char *const row[16], size_t blocks,
			    float *panel, const struct nibble_decoder *type)
{
	const size_t size = (size_t)QUIRE_BLOCK_COLS * AVX512_F32_NR;
	struct nibble_block block;
	size_t b = 0;

	for (; blocks - b >= NIBBLE_RUN_BLOCKS; b += NIBBLE_RUN_BLOCKS) {
		__m512i dwords[NIBBLE_RUN_DWORDS];

		QUIRE_UNROLL
		for (size_t i = 0; i < NIBBLE_RUN_BLOCKS; i++) {
			block =
			    type->take(row, b * type->block_size, dwords, i);
			decode_block(&block, panel, type);
			panel += size;
		}
	}
	for (; b < blocks; b++) {
		block = type->load(row, b * type->block_size);
		decode_block(&block, panel, type);
		panel += size;
	}
}

QUIRE_INLINE void pack_panel(const void *weights, size_t row_size, size_t rows,
			     size_t k, float *panel,
			     const struct nibble_decoder *type)
{
	const unsigned char *row[16];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX512_F32_NR; first += 16) {
		find_rows16(weights, row_size, rows, first, row);
		pack_rows(row, k / QUIRE_BLOCK_COLS, panel + first, type);
	}
}

#endif
