/*
 * pack_f32_q4_0_avx512.c - rows of Q4_0 decoded to a panel of f32.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>

#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/rows_avx512.h"
#include "runtime/kernels/runs_avx512.h"
#include "runtime/kernels/unroll.h"

/* Decodes a block of 16 rows, a row a lane, to 32 columns of the panel. The
 * permute looks at the lowest 4 bits of an index only. */
QUIRE_INLINE void decode_block(const struct nibble_block *block, float *panel)
{
	const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					     1, 2, 3, 4, 5, 6, 7);

	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++) {
		const unsigned int shift = (unsigned int)(i % 4 * 8);
		const __m512i bytes = block->bytes[i / 4];
		const __m512i low = _mm512_srli_epi32(bytes, shift);
		const __m512i high = _mm512_srli_epi32(bytes, shift + 4);

		_mm512_store_ps(
		    panel + (ptrdiff_t)i * AVX512_F32_NR,
		    _mm512_mul_ps(_mm512_permutexvar_ps(low, values),
				  block->d));
		_mm512_store_ps(
		    panel + (ptrdiff_t)(i + 16) * AVX512_F32_NR,
		    _mm512_mul_ps(_mm512_permutexvar_ps(high, values),
				  block->d));
	}
}

/* All blocks of 16 rows, in runs, and what is left one by one. */
static void pack_rows(const unsigned char *const row[16], size_t blocks,
		      float *panel)
{
	const size_t size = (size_t)QUIRE_BLOCK_COLS * AVX512_F32_NR;
	size_t b = 0;

	for (; blocks - b >= Q4_0_RUN_BLOCKS; b += Q4_0_RUN_BLOCKS) {
		__m512i dwords[Q4_0_RUN_DWORDS];

		QUIRE_UNROLL
		for (size_t i = 0; i < Q4_0_RUN_BLOCKS; i++) {
			const struct nibble_block block =
			    take_q4_0(row, b * QUIRE_Q4_0_SIZE, dwords, i);

			decode_block(&block, panel);
			panel += size;
		}
	}
	for (; b < blocks; b++) {
		const size_t offset = b * QUIRE_Q4_0_SIZE;
		struct nibble_block block = { .d = load_f16_16(row, offset) };

		load_transposed16(row, offset + QUIRE_Q4_0_CODES, block.bytes);
		decode_block(&block, panel);
		panel += size;
	}
}

void quire_pack_f32_q4_0_avx512(const void *weights, size_t row_size,
				size_t rows, size_t k, void *panel)
{
	const unsigned char *row[16];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX512_F32_NR; first += 16) {
		find_rows16(weights, row_size, rows, first, row);
		pack_rows(row, k / QUIRE_BLOCK_COLS, (float *)panel + first);
	}
}
