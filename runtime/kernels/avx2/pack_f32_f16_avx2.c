/*
 * pack_f32_f16_avx2.c - rows of F16 converted and transposed to a panel.
 */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"

/* The f16 in the low half of each lane; the high half is zero. */
static inline __m256 convert_low(__m256i x)
{
	return _mm256_cvtph_ps(_mm_packus_epi32(
	    _mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}

static void pack_rows(const unsigned char *const row[8], size_t k, float *panel)
{
	const __m256i half = _mm256_set1_epi32(0xFFFF);
	size_t j = 0;

	for (; j + 8 <= k; j += 8) {
		float *to = panel + j * AVX2_NR;
		__m256i pairs[4];

		load_transposed8(row, j * sizeof(uint16_t), pairs);
		for (size_t i = 0; i < 4; i++, to += (size_t)2 * AVX2_NR) {
			const __m256i even = _mm256_and_si256(pairs[i], half);
			const __m256i odd = _mm256_srli_epi32(pairs[i], 16);

			_mm256_store_ps(to, convert_low(even));
			_mm256_store_ps(to + AVX2_NR, convert_low(odd));
		}
	}
	for (; j < k; j++)
		_mm256_store_ps(panel + j * AVX2_NR,
				load_f16_8(row, j * sizeof(uint16_t)));
}

void quire_pack_f32_f16_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, void *panel)
{
	const unsigned char *row[8];

	for (size_t first = 0; first < AVX2_NR; first += 8) {
		find_rows8(weights, row_size, rows, first, row);
		pack_rows(row, k, (float *)panel + first);
	}
}
