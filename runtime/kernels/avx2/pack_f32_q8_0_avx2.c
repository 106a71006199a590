/*
 * pack_f32_q8_0_avx2.c - rows of Q8_0 decoded to a panel of f32.
 */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif

#include <assert.h>

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* The code in byte `byte` of each lane, times d: exact. */
static inline __m256 decode(__m256i codes, int byte, __m256 d)
{
	const __m256i top = _mm256_slli_epi32(codes, 24 - 8 * byte);

	return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_srai_epi32(top, 24)), d);
}

/* Decodes half a block of 8 rows, a row a lane, to 16 columns of the
 * panel. */
static inline void pack_half(const unsigned char *const row[8], size_t offset,
			     __m256 d, float *panel)
{
	__m256i codes[4];

	load_transposed8(row, offset, codes);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++)
		_mm256_store_ps(panel + (ptrdiff_t)i * AVX2_NR,
				decode(codes[i / 4], i % 4, d));
}

static inline void pack_block(const unsigned char *const row[8], size_t offset,
			      float *panel)
{
	const __m256 d = load_f16_8(row, offset);
	const size_t half = QUIRE_BLOCK_COLS / 2;

	offset += QUIRE_Q8_0_CODES;
	pack_half(row, offset, d, panel);
	pack_half(row, offset + half, d, panel + half * AVX2_NR);
}

void quire_pack_f32_q8_0_avx2(const void *weights, size_t row_size, size_t rows,
			      size_t k, void *panel)
{
	const unsigned char *row[8];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX2_NR; first += 8) {
		float *to = (float *)panel + first;

		find_rows8(weights, row_size, rows, first, row);
		for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
			pack_block(row, b * QUIRE_Q8_0_SIZE, to);
			to += (size_t)QUIRE_BLOCK_COLS * AVX2_NR;
		}
	}
}
