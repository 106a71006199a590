/*
 * pack_f32_bf16_avx512.c - rows of BF16 widened and transposed to a panel.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/widen.h"

static void pack_rows(const unsigned char *const row[16], size_t k,
		      float *panel)
{
	const __m512i upper = _mm512_set1_epi32((int)0xFFFF0000);
	size_t j = 0;

	for (; j + 8 <= k; j += 8) {
		float *to = panel + j * AVX512_F32_NR;
		__m512i pairs[4];

		load_transposed16(row, j * sizeof(uint16_t), pairs);
		for (size_t i = 0; i < 4;
		     i++, to += (size_t)2 * AVX512_F32_NR) {
			/* A BF16 is the upper half of an f32. */
			_mm512_store_si512(to, _mm512_slli_epi32(pairs[i], 16));
			_mm512_store_si512(to + AVX512_F32_NR,
					   _mm512_and_si512(pairs[i], upper));
		}
	}
	for (; j < k; j++)
		for (size_t i = 0; i < 16; i++)
			panel[j * AVX512_F32_NR + i] =
			    widen_bf16(load_u16(row[i] + j * sizeof(uint16_t)));
}

void quire_pack_f32_bf16_avx512(const void *weights, size_t row_size,
				size_t rows, size_t k, void *panel)
{
	const unsigned char *row[16];

	for (size_t first = 0; first < AVX512_F32_NR; first += 16) {
		find_rows16(weights, row_size, rows, first, row);
		pack_rows(row, k, (float *)panel + first);
	}
}
