/*
 * pack_f32_q8_0_avx512.c - rows of Q8_0 decoded to a panel of f32.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* The code in byte `byte` of each lane, times d: exact. */
static inline __m512 decode(__m512i codes, int byte, __m512 d)
{
	const __m512i top =
	    _mm512_slli_epi32(codes, (unsigned int)(24 - 8 * byte));

	return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_srai_epi32(top, 24)), d);
}

/* Decodes half a block of 16 rows, a row a lane, to 16 columns of the
 * panel. */
static inline void pack_half(const unsigned char *const row[16], size_t offset,
			     __m512 d, float *panel)
{
	__m512i codes[4];

	load_transposed16(row, offset, codes);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		_mm512_store_ps(panel + (ptrdiff_t)i * AVX512_F32_NR,
				decode(codes[i / 4], i % 4, d));
}

static inline void pack_block(const unsigned char *const row[16], size_t offset,
			      float *panel)
{
	const __m512 d = load_f16_16(row, offset);
	const size_t half = QUIRE_BLOCK_COLS / 2;

	offset += QUIRE_Q8_0_CODES;
	pack_half(row, offset, d, panel);
	pack_half(row, offset + half, d, panel + half * AVX512_F32_NR);
}

void quire_pack_f32_q8_0_avx512(const void *weights, size_t row_size,
				size_t rows, size_t k, void *panel)
{
	const unsigned char *row[16];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX512_F32_NR; first += 16) {
		float *to = (float *)panel + first;

		find_rows16(weights, row_size, rows, first, row);
		for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
			pack_block(row, b * QUIRE_Q8_0_SIZE, to);
			to += (size_t)QUIRE_BLOCK_COLS * AVX512_F32_NR;
		}
	}
}
