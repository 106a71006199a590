/*
 * vec_f32_f32_avx512.c - one row of x by rows of F32, in f32.
 */
#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/unroll.h"

static inline __m512 load(const unsigned char *row, size_t k)
{
	return _mm512_loadu_ps(row + 4 * k);
}

/* The last columns, fewer than 16; zeros beyond. */
static inline __m512 load_rest(const unsigned char *row, size_t k, size_t rest)
{
	const __mmask16 mask = (__mmask16)((1U << rest) - 1);

	return _mm512_maskz_loadu_ps(mask, row + 4 * k);
}

void quire_vec_f32_f32_avx512(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y)
{
	const float *columns = x;

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *row =
		    (const unsigned char *)weights + i * row_size;
		__m512 sum[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(),
				  _mm512_setzero_ps(), _mm512_setzero_ps() };
		size_t j = 0;

		for (; j + 64 <= k; j += 64) {
			prefetch_along(row + 4 * j, (size_t)64 * 4);
			QUIRE_UNROLL
			for (size_t s = 0; s < 4; s++)
				sum[s] = _mm512_fmadd_ps(
				    load(row, j + 16 * s),
				    _mm512_loadu_ps(columns + j + 16 * s),
				    sum[s]);
		}
		for (; j + 16 <= k; j += 16)
			sum[0] = _mm512_fmadd_ps(
			    load(row, j), _mm512_loadu_ps(columns + j), sum[0]);
		if (j < k)
			sum[1] = _mm512_fmadd_ps(load_rest(row, j, k - j),
						 _mm512_loadu_ps(columns + j),
						 sum[1]);
		y[i] = _mm512_reduce_add_ps(
		    _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]),
				  _mm512_add_ps(sum[2], sum[3])));
	}
}
