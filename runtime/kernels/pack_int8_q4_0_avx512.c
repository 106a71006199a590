/*
 * pack_int8_q4_0_avx512.c - rows of Q4_0 to a panel of bytes: 4 columns of a
 * row to a lane, as the dot product instruction takes them.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>

#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/rows_avx512.h"

QUIRE_INLINE void pack_block(const unsigned char *const row[16], size_t offset,
			     unsigned char *to, float *scales)
{
	__m512i codes[8];

	_mm512_store_ps(scales, load_f16_16(row, offset));
	load_nibbles16(row, offset + QUIRE_Q4_0_CODES, codes);
	QUIRE_UNROLL
	for (size_t i = 0; i < 8; i++)
		_mm512_store_si512(to + i * AVX512_NR * 4, codes[i]);
}

void quire_pack_int8_q4_0_avx512(const void *weights, size_t row_size,
				 size_t rows, size_t k, void *panel)
{
	const unsigned char *row[16];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX512_NR; first += 16) {
		unsigned char *block = panel;

		find_rows16(weights, row_size, rows, first, row);
		for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
			unsigned char *scales =
			    block + QUIRE_BLOCK_COLS * AVX512_NR;

			pack_block(row, b * QUIRE_Q4_0_SIZE, block + 4 * first,
				   (float *)(void *)scales + first);
			block += AVX512_INT8_BLOCK_SIZE;
		}
	}
}
