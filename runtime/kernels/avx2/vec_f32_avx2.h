/*
 * vec_f32_avx2.h - one row of f32 x by rows of W: 32 sums, one for each column
 * of a block, then added in pairs. What the kernels of all types share.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_VEC_F32_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_VEC_F32_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <string.h>

#include "runtime/kernels/avx2/decode_avx2.h"
#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

QUIRE_INLINE void add_columns(const unsigned char *weights, const float *x,
			      decode_fn decode, __m256 sum[4])
{
	__m256 w[4];

	decode(weights, w);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		sum[i] =
		    _mm256_fmadd_ps(w[i], _mm256_loadu_ps(x + 8 * i), sum[i]);
}

/* The whole kernel; `size` is that of 32 columns. Of plain types the last
 * columns may be fewer: the rest of their block is zeros, as is x's. */
QUIRE_INLINE void multiply_columns(const void *weights, size_t row_size,
				   size_t rows, size_t k, const float *x,
				   float *y, decode_fn decode, size_t size)
{
	const size_t whole = k - k % QUIRE_BLOCK_COLS;
	const size_t rest = k % QUIRE_BLOCK_COLS * size / QUIRE_BLOCK_COLS;
	unsigned char last[QUIRE_BLOCK_COLS * sizeof(float)] = { 0 };

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *w =
		    (const unsigned char *)weights + i * row_size;
		__m256 sum[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(),
				  _mm256_setzero_ps(), _mm256_setzero_ps() };

		for (size_t j = 0; j < whole; j += QUIRE_BLOCK_COLS) {
			if (size < 64)
				prefetch_near_along(w, size);
			else
				prefetch_along(w, size);
			add_columns(w, x + j, decode, sum);
			w += size;
		}
		if (rest > 0) {
			memcpy(last, w, rest);
			add_columns(last, x + whole, decode, sum);
		}
		y[i] =
		    add_lanes_ps(_mm256_add_ps(_mm256_add_ps(sum[0], sum[1]),
					       _mm256_add_ps(sum[2], sum[3])));
	}
}

#endif
