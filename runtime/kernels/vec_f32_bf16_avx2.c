/*
 * vec_f32_bf16_avx2.c - one row of x by rows of BF16, in f32.
 */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <string.h>

#include "runtime/kernels/kernels_avx2.h"
#include "runtime/kernels/unroll.h"
#include "runtime/kernels/vectors_avx2.h"

/* A BF16 is the upper half of an f32. */
static inline __m256 widen(__m128i items)
{
	return _mm256_castsi256_ps(
	    _mm256_slli_epi32(_mm256_cvtepu16_epi32(items), 16));
}

static inline __m256 load(const unsigned char *row, size_t k)
{
	return widen(_mm_loadu_si128((const void *)(row + 2 * k)));
}

/* The last columns, fewer than 8; zeros beyond. */
static inline __m256 load_rest(const unsigned char *row, size_t k, size_t rest)
{
	uint16_t items[8] = { 0 };

	memcpy(items, row + 2 * k, 2 * rest);
	return widen(_mm_loadu_si128((const void *)items));
}

void quire_vec_f32_bf16_avx2(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y)
{
	const float *columns = x;

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *row =
		    (const unsigned char *)weights + i * row_size;
		__m256 sum[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(),
				  _mm256_setzero_ps(), _mm256_setzero_ps() };
		size_t j = 0;

		for (; j + 32 <= k; j += 32)
			QUIRE_UNROLL
		for (size_t s = 0; s < 4; s++)
			sum[s] = _mm256_fmadd_ps(
			    load(row, j + 8 * s),
			    _mm256_loadu_ps(columns + j + 8 * s), sum[s]);
		for (; j + 8 <= k; j += 8)
			sum[0] = _mm256_fmadd_ps(
			    load(row, j), _mm256_loadu_ps(columns + j), sum[0]);
		if (j < k)
			sum[1] = _mm256_fmadd_ps(load_rest(row, j, k - j),
						 _mm256_loadu_ps(columns + j),
						 sum[1]);
		y[i] =
		    add_lanes_ps(_mm256_add_ps(_mm256_add_ps(sum[0], sum[1]),
					       _mm256_add_ps(sum[2], sum[3])));
	}
}
