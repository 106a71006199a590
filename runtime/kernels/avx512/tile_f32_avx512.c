/*
 * tile_f32_avx512.c - 8 rows of x by a panel of 48 rows of W in f32, all types.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx512/geometry_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/unroll.h"

enum {
	/* Rows of x: 24 of the 32 registers are sums, so that there are 11
	 * loads for 24 products. */
	MR = 8,
	NV = AVX512_F32_NR / 16, /* vectors of a row of sums */
	GROUP = 16,		 /* columns of x: f32 [8][16] */
};

static inline void store(float *c, __m512 sum, bool add)
{
	if (add)
		sum = _mm512_add_ps(_mm512_loadu_ps(c), sum);
	_mm512_storeu_ps(c, sum);
}

/* `cols` columns, up to a group. Prefetches the next group, a line for each
 * row: a cache may have dropped it since the last panel. */
QUIRE_INLINE void add_group(const float *group, const float *w, size_t rows,
			    size_t cols, __m512 sum[MR][NV])
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
		for (size_t m = 0; m < rows; m++) {
			const __m512 a = _mm512_set1_ps(x[m * GROUP]);

			QUIRE_UNROLL
			for (int v = 0; v < NV; v++)
				sum[m][v] =
				    _mm512_fmadd_ps(a, columns[v], sum[m][v]);
		}
	}
}

/* `rows` rows of x, a constant. */
QUIRE_INLINE void multiply_rows(const float *columns, const float *w,
				size_t rows, size_t k, float *c, bool add)
{
	__m512 sum[MR][NV];

	QUIRE_UNROLL
	for (size_t m = 0; m < rows; m++) {
		QUIRE_UNROLL
		for (int v = 0; v < NV; v++)
			sum[m][v] = _mm512_setzero_ps();
	}
	for (; k > GROUP; k -= GROUP) {
		add_group(columns, w, rows, GROUP, sum);
		columns += (ptrdiff_t)MR * GROUP;
		w += (ptrdiff_t)GROUP * AVX512_F32_NR;
	}
	add_group(columns, w, rows, k, sum);
	QUIRE_UNROLL
	for (size_t m = 0; m < rows; m++) {
		QUIRE_UNROLL
		for (int v = 0; v < NV; v++)
			store(c + (ptrdiff_t)16 * v, sum[m][v], add);
		c += AVX512_F32_NR;
	}
}

#define CASE(count)                                                            \
	case count:                                                            \
		multiply_rows(x, panel, count, k, c, add);                     \
		break

static void tile(const void *x, const void *panel, size_t rows, size_t k,
		 float *c, bool add)
{
	_Static_assert(MR == 8, "one case for each count");
	switch (rows) {
		CASE(1);
		CASE(2);
		CASE(3);
		CASE(4);
		CASE(5);
		CASE(6);
		CASE(7);
		CASE(8);
	}
}

#define ROW(TYPE)                                                              \
	{                                                                      \
		.weights = QUIRE_##TYPE,                                       \
		.x = { .rows = MR,                                             \
		       .group = GROUP,                                         \
		       .size = MR * GROUP * sizeof(float),                     \
		       .even = true,                                           \
		       .prepare = quire_prepare_f32_scalar },                  \
		.from = 5, .packs = quire_pack_f32_avx512, .multiply = tile    \
	}

const struct tile_form quire_tile_f32_avx512[] = {
	ROW(Q4_0), ROW(Q4_1), ROW(Q8_0), ROW(F16), ROW(BF16), ROW(F32), { 0 },
};
