/*
 * pack_f32_f16_avx512.c - rows of F16 converted and transposed to a panel.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"

/* The f16 in the low half of each lane. */
static inline __m512 convert_low(__m512i x)
{
	return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x));
}

static void pack_rows(const unsigned char *const row[16], size_t k,
		      float *panel)
{
	size_t j = 0;

	for (; j + 8 <= k; j += 8) {
		float *to = panel + j * AVX512_F32_NR;
		__m512i pairs[4];

		load_transposed16(row, j * sizeof(uint16_t), pairs);
		for (size_t i = 0; i < 4;
		     i++, to += (size_t)2 * AVX512_F32_NR) {
			const __m512i odd = _mm512_srli_epi32(pairs[i], 16);

			_mm512_store_ps(to, convert_low(pairs[i]));
			_mm512_store_ps(to + AVX512_F32_NR, convert_low(odd));
		}
	}
	for (; j < k; j++)
		_mm512_store_ps(panel + j * AVX512_F32_NR,
				load_f16_16(row, j * sizeof(uint16_t)));
}

void quire_pack_f32_f16_avx512(const void *weights, size_t row_size,
			       size_t rows, size_t k, void *panel)
{
	const unsigned char *row[16];

	for (size_t first = 0; first < AVX512_F32_NR; first += 16) {
		find_rows16(weights, row_size, rows, first, row);
		pack_rows(row, k, (float *)panel + first);
	}
}
