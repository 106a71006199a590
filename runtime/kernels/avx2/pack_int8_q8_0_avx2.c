/*
 * pack_int8_q8_0_avx2.c - rows of Q8_0 to a panel of bytes: 4 columns of a
 * row to a lane.
 */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif

#include <assert.h>

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/quantize.h"

/* Half a block: 16 columns. */
static inline void pack_half(const unsigned char *const row[8], size_t offset,
			     unsigned char *codes)
{
	__m256i bytes[4];

	load_transposed8(row, offset, bytes);
	for (size_t i = 0; i < 4; i++)
		_mm256_store_si256((void *)(codes + i * AVX2_NR * 4), bytes[i]);
}

static inline void pack_block(const unsigned char *const row[8], size_t offset,
			      unsigned char *codes, float *scales)
{
	_mm256_store_ps(scales, load_f16_8(row, offset));
	offset += QUIRE_Q8_0_CODES;
	pack_half(row, offset, codes);
	pack_half(row, offset + 16, codes + (size_t)4 * AVX2_NR * 4);
}

void quire_pack_int8_q8_0_avx2(const void *weights, size_t row_size,
			       size_t rows, size_t k, void *panel)
{
	const unsigned char *row[8];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX2_NR; first += 8) {
		unsigned char *block = panel;

		find_rows8(weights, row_size, rows, first, row);
		for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
			unsigned char *scales =
			    block + QUIRE_BLOCK_COLS * AVX2_NR;

			pack_block(row, b * QUIRE_Q8_0_SIZE, block + 4 * first,
				   (float *)(void *)scales + first);
			block += AVX2_INT8_BLOCK_SIZE;
		}
	}
}
