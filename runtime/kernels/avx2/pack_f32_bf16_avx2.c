/*
 * pack_f32_bf16_avx2.c - rows of BF16 widened and transposed to a panel.
 */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/widen.h"

static void pack_rows(const unsigned char *const row[8], size_t k, float *panel)
{
	const __m256i upper = _mm256_set1_epi32((int)0xFFFF0000);
	size_t j = 0;

	for (; j + 8 <= k; j += 8) {
		float *to = panel + j * AVX2_NR;
		__m256i pairs[4];

		load_transposed8(row, j * sizeof(uint16_t), pairs);
		for (size_t i = 0; i < 4; i++, to += (size_t)2 * AVX2_NR) {
			/* A BF16 is the upper half of an f32. */
			_mm256_store_si256((void *)to,
					   _mm256_slli_epi32(pairs[i], 16));
			_mm256_store_si256((void *)(to + AVX2_NR),
					   _mm256_and_si256(pairs[i], upper));
		}
	}
	for (; j < k; j++)
		for (size_t i = 0; i < 8; i++)
			panel[j * AVX2_NR + i] =
			    widen_bf16(load_u16(row[i] + j * sizeof(uint16_t)));
}

void quire_pack_f32_bf16_avx2(const void *weights, size_t row_size, size_t rows,
			      size_t k, void *panel)
{
	const unsigned char *row[8];

	for (size_t first = 0; first < AVX2_NR; first += 8) {
		find_rows8(weights, row_size, rows, first, row);
		pack_rows(row, k, (float *)panel + first);
	}
}
