/*
 * pack_int8_q4_0_avx2.c - rows of Q4_0 to a panel of bytes: 4 columns of a
 * row to a lane.
 */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif

#include <assert.h>

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/quantize.h"

static inline void pack_block(const unsigned char *const row[8], size_t offset,
			      unsigned char *codes, float *scales)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	__m256i bytes[4];

	_mm256_store_ps(scales, load_f16_8(row, offset));
	load_transposed8(row, offset + QUIRE_Q4_0_CODES, bytes);
	for (size_t i = 0; i < 4; i++) {
		const __m256i high = _mm256_srli_epi16(bytes[i], 4);

		_mm256_store_si256((void *)(codes + i * AVX2_NR * 4),
				   _mm256_and_si256(bytes[i], nibble));
		_mm256_store_si256((void *)(codes + (i + 4) * AVX2_NR * 4),
				   _mm256_and_si256(high, nibble));
	}
}

void quire_pack_int8_q4_0_avx2(const void *weights, size_t row_size,
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

			pack_block(row, b * QUIRE_Q4_0_SIZE, block + 4 * first,
				   (float *)(void *)scales + first);
			block += AVX2_INT8_BLOCK_SIZE;
		}
	}
}
