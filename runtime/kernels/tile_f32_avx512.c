/*
 * tile_f32_avx512.c - rows of x by a panel of f32.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/unroll.h"

enum {
	MR = AVX512_F32_MR,
	NV = AVX512_NR / 16
};

static inline void store(float *c, __m512 sum, bool add)
{
	if (add)
		sum = _mm512_add_ps(_mm512_loadu_ps(c), sum);
	_mm512_storeu_ps(c, sum);
}

void quire_tile_f32_avx512(const void *x, const void *panel, size_t k, float *c,
			   bool add)
{
	const float *columns = x, *w = panel;
	__m512 sum[MR][NV];

	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		sum[m][0] = sum[m][1] = _mm512_setzero_ps();
	for (size_t j = 0; j < k; j++, w += AVX512_NR) {
		const __m512 w0 = _mm512_load_ps(w);
		const __m512 w1 = _mm512_load_ps(w + 16);

		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m512 a = _mm512_set1_ps(
			    columns[(ptrdiff_t)m * AVX512_F32_KC]);

			sum[m][0] = _mm512_fmadd_ps(a, w0, sum[m][0]);
			sum[m][1] = _mm512_fmadd_ps(a, w1, sum[m][1]);
		}
		columns++;
	}
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		store(c + (ptrdiff_t)m * AVX512_NR, sum[m][0], add);
		store(c + (ptrdiff_t)m * AVX512_NR + 16, sum[m][1], add);
	}
}
