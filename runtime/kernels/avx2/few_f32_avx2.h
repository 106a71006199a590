/*
 * few_f32_avx2.h - few_f32.h with 256-bit vectors: up to two of them are 16
 * rows of x, and 12 sums.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_FEW_F32_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_FEW_F32_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/avx2/decode_avx2.h"
#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/unroll.h"

enum {
	LANES = AVX2_FEW_F32_LANES,
	MOST = AVX2_FEW_F32_MOST,
	FEW_NR = AVX2_FEW_F32_NR,
	FEW_KC = AVX2_F32_KC,
	MAX_VECTORS = MOST / LANES,
	MAX_GROUP = 12,
};

typedef __m256 few_vector;

QUIRE_INLINE few_vector few_zero(void)
{
	return _mm256_setzero_ps();
}

QUIRE_INLINE few_vector few_load(const float *from)
{
	return _mm256_load_ps(from);
}

QUIRE_INLINE void few_store(float *to, few_vector v)
{
	_mm256_store_ps(to, v);
}

/* Of `left` lanes those that there are. */
QUIRE_INLINE void few_store_first(float *to, size_t left, few_vector v)
{
	const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	const int count = left < LANES ? (int)left : LANES;

	_mm256_maskstore_ps(
	    to, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane), v);
}

QUIRE_INLINE few_vector few_add(few_vector a, few_vector b)
{
	return _mm256_add_ps(a, b);
}

QUIRE_INLINE few_vector few_fma(few_vector a, few_vector b, few_vector c)
{
	return _mm256_fmadd_ps(a, b, c);
}

/* The next columns of a row of W, as many as a vector has of a row of x, for
 * each of these. */
QUIRE_INLINE few_vector spread_columns(const float *w, size_t columns)
{
	double two;

	if (columns == 1)
		return _mm256_broadcast_ss(w);
	if (columns == 4)
		return _mm256_broadcast_ps((const void *)w);
	memcpy(&two, w, sizeof(two));
	return _mm256_castpd_ps(_mm256_set1_pd(two));
}

/* Four lanes of each row, from `offset` bytes on, as 4 vectors. */
QUIRE_INLINE void few_transpose(const unsigned char *const row[LANES],
				size_t offset, few_vector out[4])
{
	__m256i lanes[4];

	load_transposed8(row, offset, lanes);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		out[i] = _mm256_castsi256_ps(lanes[i]);
}

#define QUIRE_FEW_SHAPES                                                       \
	FEW_SHAPE(2, 1, 12);                                                   \
	FEW_SHAPE(4, 1, 12);                                                   \
	FEW_SHAPE(8, 1, 12);                                                   \
	FEW_SHAPE(8, 2, 6)

#define QUIRE_BY_FEW_SHAPE(tile, x_rows, MULTIPLY)                             \
	do {                                                                   \
		if ((tile) == 2)                                               \
			MULTIPLY(few_shape_2_1);                               \
		else if ((tile) == 4)                                          \
			MULTIPLY(few_shape_4_1);                               \
		else if ((x_rows) <= 8)                                        \
			MULTIPLY(few_shape_8_1);                               \
		else                                                           \
			MULTIPLY(few_shape_8_2);                               \
	} while (0)

#include "runtime/kernels/few_f32.h"

/* Decodes a row as few_f32.h wants it, 32 columns at a time, `size` bytes. Of
 * plain types the last ones may be fewer. */
QUIRE_INLINE void decode_columns(const unsigned char *row, size_t cols,
				 float *out, decode_fn decode, size_t size)
{
	unsigned char last[QUIRE_BLOCK_COLS * sizeof(float)] = { 0 };

	for (size_t j = 0; j < cols; j += QUIRE_BLOCK_COLS, row += size) {
		const size_t left = cols - j;
		const unsigned char *from = row;
		__m256 w[4];

		if (left < QUIRE_BLOCK_COLS) {
			memcpy(last, row, left * size / QUIRE_BLOCK_COLS);
			from = last;
		}
		decode(from, w);
		QUIRE_UNROLL
		for (size_t i = 0; i < 4; i++)
			_mm256_store_ps(out + j + 8 * i, w[i]);
	}
}

#endif
