/*
 * pack_f32_f32_avx512.c - rows of F32 transposed to a panel.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"

static void pack_rows(const unsigned char *const row[16], size_t k,
		      float *panel)
{
	size_t j = 0;

	for (; j + 4 <= k; j += 4) {
		__m512i cols[4];

		load_transposed16(row, j * sizeof(float), cols);
		for (size_t i = 0; i < 4; i++)
			_mm512_store_si512(panel + (j + i) * AVX512_F32_NR,
					   cols[i]);
	}
	for (; j < k; j++)
		for (size_t i = 0; i < 16; i++)
			panel[j * AVX512_F32_NR + i] =
			    load_f32(row[i] + j * sizeof(float));
}

void quire_pack_f32_f32_avx512(const void *weights, size_t row_size,
			       size_t rows, size_t k, void *panel)
{
	const unsigned char *row[16];

	for (size_t first = 0; first < AVX512_F32_NR; first += 16) {
		find_rows16(weights, row_size, rows, first, row);
		pack_rows(row, k, (float *)panel + first);
	}
}
