/*
 * pack_int8_q8_0_avx512.c - rows of Q8_0 to a panel of bytes, made unsigned: 4
 * columns of a row to a lane, as the dot product instruction takes them.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>

#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/rows_avx512.h"

/* Half a block: 16 columns. */
static inline void pack_half(const unsigned char *const row[16], size_t offset,
			     unsigned char *codes)
{
	const __m512i zero = _mm512_set1_epi8((char)QUIRE_Q8_0_ZERO);
	__m512i bytes[4];

	load_transposed16(row, offset, bytes);
	for (size_t i = 0; i < 4; i++)
		_mm512_store_si512(codes + i * AVX512_NR * 4,
				   _mm512_xor_si512(bytes[i], zero));
}

static inline void pack_block(const unsigned char *const row[16], size_t offset,
			      unsigned char *codes, float *scales)
{
	_mm512_store_ps(scales, load_f16_16(row, offset));
	offset += QUIRE_Q8_0_CODES;
	pack_half(row, offset, codes);
	pack_half(row, offset + 16, codes + (size_t)4 * AVX512_NR * 4);
}

void quire_pack_int8_q8_0_avx512(const void *weights, size_t row_size,
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

			pack_block(row, b * QUIRE_Q8_0_SIZE, block + 4 * first,
				   (float *)(void *)scales + first);
			block += AVX512_INT8_BLOCK_SIZE;
		}
	}
}
