/*
 * tile_f32_avx2.c - rows of x by a panel of f32.
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/unroll.h"

enum {
	MR = AVX2_F32_MR
};

static inline void store(float *c, __m256 sum, bool add)
{
	if (add)
		sum = _mm256_add_ps(_mm256_loadu_ps(c), sum);
	_mm256_storeu_ps(c, sum);
}

void quire_tile_f32_avx2(const void *x, const void *panel, size_t k, float *c,
			 bool add)
{
	const float *columns = x, *w = panel;
	__m256 sum[MR][2];

	QUIRE_UNROLL
	for (int m = 0; m < MR; m++)
		sum[m][0] = sum[m][1] = _mm256_setzero_ps();
	for (size_t j = 0; j < k; j++, w += AVX2_NR) {
		const __m256 w0 = _mm256_load_ps(w);
		const __m256 w1 = _mm256_load_ps(w + 8);

		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m256 a = _mm256_broadcast_ss(
			    columns + (ptrdiff_t)m * AVX2_F32_KC);

			sum[m][0] = _mm256_fmadd_ps(a, w0, sum[m][0]);
			sum[m][1] = _mm256_fmadd_ps(a, w1, sum[m][1]);
		}
		columns++;
	}
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		store(c + (ptrdiff_t)m * AVX2_NR, sum[m][0], add);
		store(c + (ptrdiff_t)m * AVX2_NR + 8, sum[m][1], add);
	}
}
