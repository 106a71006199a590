/*
 * tile_f32_avx512.c - rows of x by a panel of f32.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/unroll.h"

enum {
	MR = AVX512_F32_MR,
	NV = AVX512_F32_NR / 16,
	GROUP = AVX512_F32_GROUP
};

static inline void store(float *c, __m512 sum, bool add)
{
	if (add)
		sum = _mm512_add_ps(_mm512_loadu_ps(c), sum);
	_mm512_storeu_ps(c, sum);
}

/* `cols` columns, which are one group or a part of it; of the next group, which
 * a cache may have sent away since the last panel, each row is a line. */
QUIRE_INLINE void add_group(const float *group, const float *w, size_t cols,
			    __m512 sum[MR][NV])
{
	const float *x = group;

	for (size_t j = 0; j < cols; j++, x++, w += AVX512_F32_NR) {
		__m512 columns[NV];

		if (j < MR)
			prefetch_near(group, (MR + j) * GROUP * sizeof(*x));
		QUIRE_UNROLL
		for (int v = 0; v < NV; v++)
			columns[v] = _mm512_load_ps(w + (ptrdiff_t)16 * v);
		QUIRE_UNROLL
		for (int m = 0; m < MR; m++) {
			const __m512 a =
			    _mm512_set1_ps(x[(ptrdiff_t)m * GROUP]);

			QUIRE_UNROLL
			for (int v = 0; v < NV; v++)
				sum[m][v] =
				    _mm512_fmadd_ps(a, columns[v], sum[m][v]);
		}
	}
}

void quire_tile_f32_avx512(const void *x, const void *panel, size_t k, float *c,
			   bool add)
{
	const float *columns = x, *w = panel;
	__m512 sum[MR][NV];

	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		QUIRE_UNROLL
		for (int v = 0; v < NV; v++)
			sum[m][v] = _mm512_setzero_ps();
	}
	for (; k > GROUP; k -= GROUP) {
		add_group(columns, w, GROUP, sum);
		columns += (ptrdiff_t)MR * GROUP;
		w += (ptrdiff_t)GROUP * AVX512_F32_NR;
	}
	add_group(columns, w, k, sum);
	QUIRE_UNROLL
	for (int m = 0; m < MR; m++) {
		QUIRE_UNROLL
		for (int v = 0; v < NV; v++)
			store(c + (ptrdiff_t)16 * v, sum[m][v], add);
		c += AVX512_F32_NR;
	}
}
