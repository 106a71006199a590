/*
 * small_f32_avx2.c - 13 to 16 rows of f32 x by rows of W in place, all types:
 * small_f32.h with vectors of 8 lanes. Two vectors have 16 rows of x, and 12
 * of the 16 registers are sums.
 */
#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/avx2/decode_avx2.h"
#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/scalar/geometry_scalar.h"
#include "runtime/kernels/unroll.h"

enum {
	LANES = 8,	  /* of a vector */
	MOST = 2 * LANES, /* rows of x */
	SMALL_NR = 48,	  /* rows of W at a time */
	/* Columns of x at a time: 16 rows are 16 KiB. */
	SMALL_KC = AVX2_F32_KC,
	MAX_VECTORS = MOST / LANES,
	MAX_GROUP = 12, /* rows of W */
};

typedef __m256 vector;

QUIRE_INLINE vector vector_zero(void)
{
	return _mm256_setzero_ps();
}

QUIRE_INLINE vector vector_load(const float *from)
{
	return _mm256_load_ps(from);
}

QUIRE_INLINE void vector_store(float *to, vector v)
{
	_mm256_store_ps(to, v);
}

/* Stores the first `left` lanes, or all. */
QUIRE_INLINE void vector_store_first(float *to, size_t left, vector v)
{
	const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	const int count = left < LANES ? (int)left : LANES;

	_mm256_maskstore_ps(
	    to, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane), v);
}

QUIRE_INLINE vector vector_add(vector a, vector b)
{
	return _mm256_add_ps(a, b);
}

QUIRE_INLINE vector vector_fma(vector a, vector b, vector c)
{
	return _mm256_fmadd_ps(a, b, c);
}

/* A column of a row of W, repeated for each row of x. */
QUIRE_INLINE vector vector_spread(const float *w)
{
	return _mm256_broadcast_ss(w);
}

/* Four lanes of each row, from byte `offset` on, as 4 vectors. */
QUIRE_INLINE void vector_transpose(const unsigned char *const row[LANES],
				   size_t offset, vector out[4])
{
	__m256i lanes[4];

	load_transposed8(row, offset, lanes);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		out[i] = _mm256_castsi256_ps(lanes[i]);
}

/* A chunk of x may have one tile only. */
#define SMALL_SHAPES                                                           \
	SMALL_SHAPE(1, 12);                                                    \
	SMALL_SHAPE(2, 6)

#define BY_SMALL_SHAPE(x_rows, MULTIPLY)                                       \
	do {                                                                   \
		if ((x_rows) <= LANES)                                         \
			MULTIPLY(shape_1);                                     \
		else                                                           \
			MULTIPLY(shape_2);                                     \
	} while (0)

#include "runtime/kernels/small_f32.h"

/* Decodes a row, 32 columns of `size` bytes at a time. F32, F16 and BF16 may
 * end in fewer. */
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

/* A type of weights: blocks of `cols` columns, 32 columns in `size` bytes. */
#define TYPE(type, cols, size)                                                 \
	QUIRE_INLINE void decode_row_##type(const unsigned char *row,          \
					    size_t count, float *out)          \
	{                                                                      \
		decode_columns(row, count, out, decode_##type, size);          \
	}                                                                      \
	static const struct row_type type_##type = {                           \
		.decode = decode_row_##type,                                   \
		.block_cols = (cols),                                          \
		.block_size = (size) / (QUIRE_BLOCK_COLS / (cols)),            \
	};

TYPE(q4_0, QUIRE_BLOCK_COLS, QUIRE_Q4_0_SIZE)
TYPE(q4_1, QUIRE_BLOCK_COLS, QUIRE_Q4_1_SIZE)
TYPE(q8_0, QUIRE_BLOCK_COLS, QUIRE_Q8_0_SIZE)
TYPE(f16, 1, QUIRE_BLOCK_COLS * 2)
TYPE(bf16, 1, QUIRE_BLOCK_COLS * 2)
TYPE(f32, 1, QUIRE_BLOCK_COLS * 4)

#define SMALL(type)                                                            \
	static void small_##type(const void *weights, size_t row_size,         \
				 size_t rows, size_t k, const void *x,         \
				 size_t x_size, size_t x_rows, float *y,       \
				 size_t y_stride)                              \
	{                                                                      \
		multiply_small(weights, row_size, rows, k, x, x_size, x_rows,  \
			       y, y_stride, &type_##type);                     \
	}

SMALL(q4_0)
SMALL(q4_1)
SMALL(q8_0)
SMALL(f16)
SMALL(bf16)
SMALL(f32)

/* From `first` rows of x on, and `left` rows more than 16. */
#define ROW(TYPE, type, first, left)                                           \
	{                                                                      \
		.weights = QUIRE_##TYPE,                                       \
		.x = { .rows = LANES,                                          \
		       .group = 1,                                             \
		       .size = LANES * sizeof(float),                          \
		       .prepare = quire_prepare_columns_f32_scalar },          \
		.from = (first), .to = MOST, .padding = MOST - (first),        \
		.rest = (left), .most = MOST, .nr = SMALL_NR,                  \
		.multiply = small_##type                                       \
	}

/* From `first` to `last` rows of x, at most `at_once` of them at a time. */
#define ROW_CODES(TYPE, type, first, last, at_once)                            \
	{                                                                      \
		.weights = QUIRE_##TYPE, .x = QUIRE_X_F32_ROW,                 \
		.from = (first), .to = (last), .most = (at_once),              \
		.nr = SMALL_NR,                                                \
		.multiply = quire_small_codes_f32_##type##_avx2                \
	}

/* Where tiles are not nearly full, the packed form is faster, which pads no x;
 * or, by F16, 16 rows and the others apart. */
const struct small_form quire_small_f32_avx2[] = {
	ROW_CODES(Q4_0, q4_0, 2, 9, 9),
	ROW(Q4_0, q4_0, 15, 0),
	ROW_CODES(Q4_1, q4_1, 2, 8, 8),
	ROW(Q4_1, q4_1, 15, 0),
	ROW_CODES(Q8_0, q8_0, 2, 10, 10),
	ROW(Q8_0, q8_0, 13, 0),
	ROW_CODES(F16, f16, 2, 12, 12),
	ROW(F16, f16, 13, 5),
	ROW_CODES(BF16, bf16, 2, 10, 10),
	ROW(BF16, bf16, 13, 0),
	ROW_CODES(F32, f32, 2, 12, 12),
	ROW(F32, f32, 13, 0),
	{ 0 },
};
