/*
 * pack_f32_f32_avx2.c - rows of F32 transposed to a panel.
 */
#ifndef __AVX2__
#error "compile with -mavx2"
#endif

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"

static void pack_rows(const unsigned char *const row[8], size_t k, float *panel)
{
	size_t j = 0;

	for (; j + 4 <= k; j += 4) {
		__m256i cols[4];

		load_transposed8(row, j * sizeof(float), cols);
		for (size_t i = 0; i < 4; i++)
			_mm256_store_si256((void *)(panel + (j + i) * AVX2_NR),
					   cols[i]);
	}
	for (; j < k; j++)
		for (size_t i = 0; i < 8; i++)
			panel[j * AVX2_NR + i] =
			    load_f32(row[i] + j * sizeof(float));
}

void quire_pack_f32_f32_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, void *panel)
{
	const unsigned char *row[8];

	for (size_t first = 0; first < AVX2_NR; first += 8) {
		find_rows8(weights, row_size, rows, first, row);
		pack_rows(row, k, (float *)panel + first);
	}
}
