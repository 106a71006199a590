/*
 * pack_f32_q4_1_avx2.c - rows of Q4_1 decoded to a panel of f32.
 */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif

#include <assert.h>

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* The codes in the lowest 4 bits of each lane, times d, which is exact, and m:
 * rounded once. */
static inline __m256 decode(__m256i codes, __m256 d, __m256 m)
{
	const __m256i low = _mm256_and_si256(codes, _mm256_set1_epi32(15));

	return _mm256_fmadd_ps(_mm256_cvtepi32_ps(low), d, m);
}

/* Decodes a block of 8 rows, a row a lane, to 32 columns of the panel. */
static inline void pack_block(const unsigned char *const row[8], size_t offset,
			      float *panel)
{
	const __m256 d = load_f16_8(row, offset);
	const __m256 m = load_f16_8(row, offset + QUIRE_Q4_1_MIN);
	__m256i codes[4];

	load_transposed8(row, offset + QUIRE_Q4_1_CODES, codes);
	QUIRE_UNROLL
	for (int i = 0; i < QUIRE_BLOCK_COLS / 2; i++) {
		const int shift = i % 4 * 8;
		const __m256i low = _mm256_srli_epi32(codes[i / 4], shift);
		const __m256i high = _mm256_srli_epi32(codes[i / 4], shift + 4);

		_mm256_store_ps(panel + (ptrdiff_t)i * AVX2_NR,
				decode(low, d, m));
		_mm256_store_ps(panel + (ptrdiff_t)(i + 16) * AVX2_NR,
				decode(high, d, m));
	}
}

void quire_pack_f32_q4_1_avx2(const void *weights, size_t row_size, size_t rows,
			      size_t k, void *panel)
{
	const unsigned char *row[8];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX2_NR; first += 8) {
		float *to = (float *)panel + first;

		find_rows8(weights, row_size, rows, first, row);
		for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
			pack_block(row, b * QUIRE_Q4_1_SIZE, to);
			to += (size_t)QUIRE_BLOCK_COLS * AVX2_NR;
		}
	}
}
