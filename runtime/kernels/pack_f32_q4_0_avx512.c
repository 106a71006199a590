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
#include "runtime/kernels/unroll.h"

/* Decodes a block of 16 rows, a row a lane, to 32 columns of the panel. The
 * permute looks at the lowest 4 bits of an index only. */
static inline void pack_block(const unsigned char *const row[16], size_t offset,
			      float *panel)
{
	const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					     1, 2, 3, 4, 5, 6, 7);
	const __m512 d = load_f16_16(row, offset);
	__m512i codes[4];

	load_transposed16(row, offset + QUIRE_Q4_0_CODES, codes);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++) {
		const unsigned int shift = (unsigned int)(i % 4 * 8);
		const __m512i low = _mm512_srli_epi32(codes[i / 4], shift);
		const __m512i high = _mm512_srli_epi32(codes[i / 4], shift + 4);

		_mm512_store_ps(
		    panel + (ptrdiff_t)i * AVX512_F32_NR,
		    _mm512_mul_ps(_mm512_permutexvar_ps(low, values), d));
		_mm512_store_ps(
		    panel + (ptrdiff_t)(i + 16) * AVX512_F32_NR,
		    _mm512_mul_ps(_mm512_permutexvar_ps(high, values), d));
	}
}

void quire_pack_f32_q4_0_avx512(const void *weights, size_t row_size,
				size_t rows, size_t k, void *panel)
{
	const unsigned char *row[16];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX512_F32_NR; first += 16) {
		float *to = (float *)panel + first;

		find_rows16(weights, row_size, rows, first, row);
		for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
			pack_block(row, b * QUIRE_Q4_0_SIZE, to);
			to += (size_t)QUIRE_BLOCK_COLS * AVX512_F32_NR;
		}
	}
}
