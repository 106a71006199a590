/*
 * row_sums_avx512.h - GEMV row by row. The sum of a row is in 16 lanes. They
 * are added up for 16 rows at once, which takes a third of the instructions of
 * one row at a time.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_ROW_SUMS_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_ROW_SUMS_AVX512_H

#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>
#include <immintrin.h>
#include <stddef.h>

#include "runtime/kernels/avx512/geometry_avx512.h"
#include "runtime/kernels/unroll.h"

struct row_sums {
	_Alignas(64) float lanes[AVX512_GEMV_NR][16];
};

/* In each quarter: sums of two lanes of a, of b, of a, of b. */
QUIRE_INLINE __m512 add_lanes_apart(const float *a, const float *b)
{
	const __m512 x = _mm512_load_ps(a), y = _mm512_load_ps(b);

	return _mm512_add_ps(_mm512_unpacklo_ps(x, y),
			     _mm512_unpackhi_ps(x, y));
}

/* In each quarter: the sum of its own lanes of each of four rows. */
QUIRE_INLINE __m512 add_four_rows(const float rows[4][16])
{
	const __m512d x = _mm512_castps_pd(add_lanes_apart(rows[0], rows[1]));
	const __m512d y = _mm512_castps_pd(add_lanes_apart(rows[2], rows[3]));

	return _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)),
			     _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
}

/* Quarters 0 + 1 of a, 2 + 3 of a, 0 + 1 of b, 2 + 3 of b. */
QUIRE_INLINE __m512 add_quarter_pairs(__m512 a, __m512 b)
{
	return _mm512_add_ps(
	    _mm512_shuffle_f32x4(a, b, _MM_SHUFFLE(2, 0, 2, 0)),
	    _mm512_shuffle_f32x4(a, b, _MM_SHUFFLE(3, 1, 3, 1)));
}

/* y[i] = the sum of the lanes of row i, for i < rows, at most 16. Further rows
 * may have any numbers. */
QUIRE_INLINE void add_up_rows(const struct row_sums *sums, size_t rows,
			      float *y)
{
	const float(*lanes)[16] = sums->lanes;
	const __m512 low =
	    add_quarter_pairs(add_four_rows(lanes), add_four_rows(lanes + 4));
	const __m512 high = add_quarter_pairs(add_four_rows(lanes + 8),
					      add_four_rows(lanes + 12));

	_mm512_mask_storeu_ps(y, (__mmask16)((1U << rows) - 1),
			      add_quarter_pairs(low, high));
}

/* A row of W times x, as the sum of 16 lanes. The function and `type`, which
 * describes the weights to it, are constants, so that all is inlined.
 * `vectors`: what the function keeps in registers from row to row, or NULL. */
typedef __m512 (*multiply_row_fn)(const unsigned char *w, size_t k,
				  const void *x, const void *type,
				  const void *vectors);

QUIRE_INLINE void multiply_each_row(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    float *y, multiply_row_fn multiply_row,
				    const void *type, const void *vectors)
{
	const unsigned char *w = weights;
	struct row_sums sums = { { { 0 } } };

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < rows; first += AVX512_GEMV_NR) {
		const size_t left = rows - first;
		const size_t count =
		    left < AVX512_GEMV_NR ? left : AVX512_GEMV_NR;

		for (size_t i = 0; i < count; i++, w += row_size)
			_mm512_store_ps(sums.lanes[i],
					multiply_row(w, k, x, type, vectors));
		add_up_rows(&sums, count, y + first);
	}
}

#endif
