/*
 * few_f32_avx512.h - few_f32.h with 512-bit vectors: up to four of them are 64
 * rows of x, and 24 sums.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_FEW_F32_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_FEW_F32_AVX512_H

#ifndef __AVX512BW__
#error "compile with -mavx512bw"
#endif

#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/unroll.h"

enum {
	LANES = AVX512_FEW_F32_LANES,
	MOST = AVX512_FEW_F32_MOST,
	FEW_NR = AVX512_FEW_F32_NR,
	FEW_KC = AVX512_F32_KC,
	MAX_VECTORS = MOST / LANES,
	MAX_GROUP = 12,
};

typedef __m512 few_vector;

/* Of 16 lanes as many as are left. */
static inline __mmask16 lanes_left(size_t left)
{
	return (__mmask16)(left < 16 ? (1U << left) - 1 : 65535);
}

QUIRE_INLINE few_vector few_zero(void)
{
	return _mm512_setzero_ps();
}

QUIRE_INLINE few_vector few_load(const float *from)
{
	return _mm512_load_ps(from);
}

QUIRE_INLINE void few_store(float *to, few_vector v)
{
	_mm512_store_ps(to, v);
}

/* Of `left` lanes those that there are. */
QUIRE_INLINE void few_store_first(float *to, size_t left, few_vector v)
{
	_mm512_mask_storeu_ps(to, lanes_left(left), v);
}

QUIRE_INLINE few_vector few_add(few_vector a, few_vector b)
{
	return _mm512_add_ps(a, b);
}

QUIRE_INLINE few_vector few_fma(few_vector a, few_vector b, few_vector c)
{
	return _mm512_fmadd_ps(a, b, c);
}

/* The next columns of a row of W, as many as a vector has of a row of x, for
 * each of these. */
QUIRE_INLINE few_vector spread_columns(const float *w, size_t columns)
{
	double two;

	switch (columns) {
	case 1:
		return _mm512_set1_ps(*w);
	case 2:
		memcpy(&two, w, sizeof(two));
		return _mm512_castpd_ps(_mm512_set1_pd(two));
	default:
		return _mm512_broadcast_f32x4(_mm_load_ps(w));
	}
}

/* Four lanes of each row, from `offset` bytes on, as 4 vectors. */
QUIRE_INLINE void few_transpose(const unsigned char *const row[LANES],
				size_t offset, few_vector out[4])
{
	__m512i lanes[4];

	load_transposed16(row, offset, lanes);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		out[i] = _mm512_castsi512_ps(lanes[i]);
}

/* Each has as many sums as there are registers for. */
#define QUIRE_FEW_SHAPES                                                       \
	FEW_SHAPE(4, 1, 12);                                                   \
	FEW_SHAPE(8, 1, 12);                                                   \
	FEW_SHAPE(16, 1, 12);                                                  \
	FEW_SHAPE(16, 2, 12);                                                  \
	FEW_SHAPE(16, 3, 8);                                                   \
	FEW_SHAPE(16, 4, 6)

#define QUIRE_BY_FEW_SHAPE(tile, x_rows, MULTIPLY)                             \
	do {                                                                   \
		if ((tile) == 4)                                               \
			MULTIPLY(few_shape_4_1);                               \
		else if ((tile) == 8)                                          \
			MULTIPLY(few_shape_8_1);                               \
		else if ((x_rows) <= 16)                                       \
			MULTIPLY(few_shape_16_1);                              \
		else if ((x_rows) <= 32)                                       \
			MULTIPLY(few_shape_16_2);                              \
		else if ((x_rows) <= 48)                                       \
			MULTIPLY(few_shape_16_3);                              \
		else                                                           \
			MULTIPLY(few_shape_16_4);                              \
	} while (0)

#include "runtime/kernels/few_f32.h"

#endif
