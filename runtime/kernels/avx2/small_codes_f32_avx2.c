/*
 * small_codes_f32_avx2.c - 2 to 12 rows of f32 x by rows of W in place, all
 * types.
 *
 * Lanes are columns, as in GEMV: a block of W is decoded once, into four
 * registers, and multiplied by all rows of x, which are operands in memory. A
 * chunk of 512 columns of x, 24 KiB of 12 rows, stays in the first-level cache
 * while 16 rows of W pass. Several rows of W are taken together, so that there
 * are enough sums to add to while others are not ready.
 *
 * The next columns of rows in blocks are prefetched into the first-level cache,
 * and the next 16 rows, from their first byte to their last, into the second.
 */
#include <assert.h>
#include <string.h>

#include "runtime/kernels/avx2/decode_avx2.h"
#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/unroll.h"
#include "runtime/sizes.h"

enum {
	ROWS = 16,	   /* of W at a time */
	CHUNK_BLOCKS = 16, /* 512 columns */
	MOST = AVX2_SMALL_CODES_MOST,
	/* Rows of x up to which the code is in one function: with sums for more
	 * on its stack, it is slower for few. */
	FEW = 8,
	MAX_TOGETHER = 4, /* rows of W */
};

/* Sums of 16 rows of W by one row of x, 8 lanes each. */
struct row_sums {
	_Alignas(32) float lanes[ROWS][8];
};

/* A type of weights: a constant, so that its functions are inlined. */
struct codes_type {
	decode_fn decode;
	size_t size; /* bytes of 32 columns */
	bool ragged; /* k need not be a multiple of 32 */
	/* Rows of W at a time, by rows of x: with few, there are more, so that
	 * sums do not wait for each other. From memory more than one or two
	 * are slower, so wide types have fewer. */
	unsigned char together[FEW + 1];
};

/* A chunk of `together` rows of W, from row i of the 16 on, by `count` rows of
 * x; both are constants. */
QUIRE_INLINE void add_chunk(struct row_sums *sums, size_t i,
			    const unsigned char *const w[MAX_TOGETHER],
			    size_t together, size_t blocks, const float *x,
			    size_t x_stride, size_t count, bool add,
			    const struct codes_type *type)
{
	const unsigned char *at[MAX_TOGETHER];
	__m256 sum[MAX_TOGETHER][MOST];

	QUIRE_UNROLL
	for (size_t r = 0; r < together; r++) {
		at[r] = w[r];
		QUIRE_UNROLL
		for (size_t m = 0; m < count; m++)
			sum[r][m] = _mm256_setzero_ps();
	}
	for (size_t b = 0; b < blocks; b++, x += QUIRE_BLOCK_COLS) {
		QUIRE_UNROLL
		for (size_t r = 0; r < together; r++) {
			__m256 weights[4];

			type->decode(at[r], weights);
			at[r] += type->size;
			QUIRE_UNROLL
			for (size_t j = 0; j < 4; j++) {
				QUIRE_UNROLL
				for (size_t m = 0; m < count; m++)
					sum[r][m] = _mm256_fmadd_ps(
					    weights[j],
					    _mm256_load_ps(x + m * x_stride +
							   8 * j),
					    sum[r][m]);
			}
		}
	}
	QUIRE_UNROLL
	for (size_t r = 0; r < together; r++) {
		QUIRE_UNROLL
		for (size_t m = 0; m < count; m++) {
			float *to = sums[m].lanes[i + r];

			if (add)
				sum[r][m] = _mm256_add_ps(_mm256_load_ps(to),
							  sum[r][m]);
			_mm256_store_ps(to, sum[r][m]);
		}
	}
}

/* The same for the last `cols` columns, less than 32, of all 16 rows. x has
 * zeros after them. */
QUIRE_INLINE void add_rest(struct row_sums *sums, const unsigned char *weights,
			   size_t row_size, size_t rows, size_t cols,
			   const float *x, size_t x_stride, size_t count,
			   bool add, const struct codes_type *type)
{
	unsigned char last[QUIRE_BLOCK_COLS * sizeof(float)] = { 0 };
	const unsigned char *const w[MAX_TOGETHER] = { last };

	for (size_t i = 0; i < rows; i++) {
		memcpy(last, weights + i * row_size,
		       cols * type->size / QUIRE_BLOCK_COLS);
		add_chunk(sums, i, w, 1, 1, x, x_stride, count, add, type);
	}
}

/* Up to 16 rows of W by `count` rows of x, `together` rows of W at a time; both
 * are constants. `sums` is space for one a row of x. */
QUIRE_INLINE void multiply_16_rows(
    struct row_sums *sums, const unsigned char *weights, size_t row_size,
    size_t rows, size_t k, const float *x, size_t x_stride, size_t count,
    size_t together, float *y, size_t y_stride, const struct codes_type *type)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	size_t far = ROWS * row_size + QUIRE_FAR_SHIFT;

	for (size_t b = 0; b < blocks; b += CHUNK_BLOCKS) {
		const size_t taken = min_size(blocks - b, CHUNK_BLOCKS);
		const size_t size = taken * type->size;

		for (size_t i = 0; i < rows; i += together) {
			const unsigned char *w[MAX_TOGETHER];

			QUIRE_UNROLL
			for (size_t r = 0; r < together; r++) {
				/* The last row again if there is no other. */
				w[r] = weights +
				       min_size(i + r, rows - 1) * row_size +
				       b * type->size;
				for (size_t at = type->ragged ? size : 0;
				     at < size; at += QUIRE_LINE_SIZE)
					prefetch_near(w[r], size + at);
			}
			prefetch_far(weights, far, together * size);
			far += together * size;
			add_chunk(sums, i, w, together, taken,
				  x + b * QUIRE_BLOCK_COLS, x_stride, count,
				  b > 0, type);
		}
	}
	if (type->ragged && k % QUIRE_BLOCK_COLS > 0)
		add_rest(sums, weights + blocks * type->size, row_size, rows,
			 k % QUIRE_BLOCK_COLS, x + blocks * QUIRE_BLOCK_COLS,
			 x_stride, count, blocks > 0, type);
	for (size_t m = 0; m < count; m++)
		for (size_t i = 0; i < rows; i++)
			y[m * y_stride + i] =
			    add_lanes_ps(_mm256_load_ps(sums[m].lanes[i]));
}

#define CASE(count, together)                                                  \
	case count:                                                            \
		multiply_16_rows(sums, w, row_size, left, k, x,                \
				 x_size / sizeof(float), count, together,      \
				 y + first, y_stride, type);                   \
		break
#define CASE_FEW(count) CASE(count, type->together[count])

/* A function for up to `most` rows of x; the rest are its cases. */
#define MULTIPLY(name, most, ...)                                              \
	QUIRE_INLINE void name(const void *weights, size_t row_size,           \
			       size_t rows, size_t k, const void *x,           \
			       size_t x_size, size_t x_rows, float *y,         \
			       size_t y_stride, const struct codes_type *type) \
	{                                                                      \
		struct row_sums sums[most];                                    \
                                                                               \
		for (size_t first = 0; first < rows; first += ROWS) {          \
			const unsigned char *w =                               \
			    (const unsigned char *)weights + first * row_size; \
			const size_t left = min_size(rows - first, ROWS);      \
                                                                               \
			switch (x_rows) {                                      \
				__VA_ARGS__                                    \
			}                                                      \
		}                                                              \
	}

MULTIPLY(multiply_few, FEW, CASE_FEW(1); CASE_FEW(2); CASE_FEW(3); CASE_FEW(4);
	 CASE_FEW(5); CASE_FEW(6); CASE_FEW(7); CASE_FEW(8);)
MULTIPLY(multiply_many, MOST, CASE(9, 1); CASE(10, 1); CASE(11, 1);
	 CASE(12, 1);)

/* A type of weights, with rows of W at a time for 1 to 8 rows of x, and a
 * function of its own for so many. */
#define TYPE(type, bytes, any_k, ...)                                          \
	static const struct codes_type type_##type = {                         \
		.decode = decode_##type,                                       \
		.size = (bytes),                                               \
		.ragged = (any_k),                                             \
		.together = { 0, __VA_ARGS__ },                                \
	};                                                                     \
	QUIRE_APART void few_##type(const void *weights, size_t row_size,      \
				    size_t rows, size_t k, const void *x,      \
				    size_t x_size, size_t x_rows, float *y,    \
				    size_t y_stride)                           \
	{                                                                      \
		multiply_few(weights, row_size, rows, k, x, x_size, x_rows, y, \
			     y_stride, &type_##type);                          \
	}

TYPE(q4_0, QUIRE_Q4_0_SIZE, false, 4, 4, 2, 2, 2, 1, 1, 1)
TYPE(q4_1, QUIRE_Q4_1_SIZE, false, 4, 4, 2, 2, 2, 1, 1, 1)
TYPE(q8_0, QUIRE_Q8_0_SIZE, false, 4, 4, 2, 2, 2, 1, 1, 1)
TYPE(f16, QUIRE_BLOCK_COLS * 2, true, 4, 2, 2, 2, 2, 2, 1, 1)
TYPE(bf16, QUIRE_BLOCK_COLS * 2, true, 4, 2, 2, 2, 2, 2, 1, 1)
TYPE(f32, QUIRE_BLOCK_COLS * 4, true, 2, 1, 1, 1, 1, 1, 1, 1)

#define SMALL(type)                                                            \
	QUIRE_APART void many_##type(const void *weights, size_t row_size,     \
				     size_t rows, size_t k, const void *x,     \
				     size_t x_size, size_t x_rows, float *y,   \
				     size_t y_stride)                          \
	{                                                                      \
		multiply_many(weights, row_size, rows, k, x, x_size, x_rows,   \
			      y, y_stride, &type_##type);                      \
	}                                                                      \
	void quire_small_codes_f32_##type##_avx2(                              \
	    const void *weights, size_t row_size, size_t rows, size_t k,       \
	    const void *x, size_t x_size, size_t x_rows, float *y,             \
	    size_t y_stride)                                                   \
	{                                                                      \
		assert(x_rows >= 1 && x_rows <= MOST);                         \
		assert(type_##type.ragged || k % QUIRE_BLOCK_COLS == 0);       \
		if (x_rows <= FEW)                                             \
			few_##type(weights, row_size, rows, k, x, x_size,      \
				   x_rows, y, y_stride);                       \
		else                                                           \
			many_##type(weights, row_size, rows, k, x, x_size,     \
				    x_rows, y, y_stride);                      \
	}

SMALL(q4_0)
SMALL(q4_1)
SMALL(q8_0)
SMALL(f16)
SMALL(bf16)
SMALL(f32)
