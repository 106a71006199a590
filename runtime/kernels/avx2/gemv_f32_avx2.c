/*
 * gemv_f32_avx2.c - one row of f32 x by rows of W in place, all types. Each row
 * of W has 32 sums, one for each column of a block. They are added in pairs at
 * its end.
 */
#include <string.h>

#include "runtime/kernels/avx2/decode_avx2.h"
#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/scalar/geometry_scalar.h"

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

/* 32 columns are `size` bytes. Rows of F32, F16 and BF16 may end in fewer:
 * zeros fill them up, in W here and in x already. */
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

#define GEMV(type, size)                                                       \
	static void gemv_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, const void *x,          \
				float *y)                                      \
	{                                                                      \
		multiply_columns(weights, row_size, rows, k, x, y,             \
				 decode_##type, size);                         \
	}

GEMV(q4_0, QUIRE_Q4_0_SIZE)
GEMV(q4_1, QUIRE_Q4_1_SIZE)
GEMV(q8_0, QUIRE_Q8_0_SIZE)
GEMV(f16, QUIRE_BLOCK_COLS * 2)
GEMV(bf16, QUIRE_BLOCK_COLS * 2)
GEMV(f32, QUIRE_BLOCK_COLS * 4)

#define ROW(TYPE, type)                                                        \
	{                                                                      \
		.weights = QUIRE_##TYPE, .x = QUIRE_X_F32_ROW,                 \
		.multiply = gemv_##type                                        \
	}

const struct gemv_form quire_gemv_f32_avx2[] = {
	ROW(Q4_0, q4_0), ROW(Q4_1, q4_1), ROW(Q8_0, q8_0), ROW(F16, f16),
	ROW(BF16, bf16), ROW(F32, f32),	  { 0 },
};
