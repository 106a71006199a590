/*
 * small_codes_f32_avx512.c - 2 to 12 rows of f32 x by rows of Q4_0, Q4_1 or
 * Q8_0 in place.
 *
 * Lanes are columns, as in GEMV, and x is in the order of the codes in
 * registers. So a weight is decoded once, into a register, and multiplied by
 * all rows of x. Each load of x serves two rows of W. A chunk of 512 columns of
 * x, 27 KiB of 12 rows, stays in the first-level cache while 16 rows of W pass.
 *
 * The next columns of these rows are prefetched into the first-level cache, and
 * the next 16 rows, from their first byte to their last, into the second.
 */
#include <assert.h>
#include <immintrin.h>
#include <string.h>

#include "base/bytes.h"
#include "runtime/kernels/avx512/geometry_avx512.h"
#include "runtime/kernels/avx512/row_sums_avx512.h"
#include "runtime/kernels/avx512/steps_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"
#include "runtime/sizes.h"

enum {
	/* Rows of W that a load of x serves. */
	PAIR = 2,
	/* Rows of x up to which the code is in one function. */
	FEW = 8,
	/* Steps, of four blocks each, in a chunk. */
	CHUNK_STEPS = 512 / AVX512_GEMV_F32_COLS,
	STEP_BLOCKS = AVX512_GEMV_F32_COLS / QUIRE_BLOCK_COLS,
	STEP_VECTORS = AVX512_GEMV_F32_COLS / 16,
};

/* The 16 weights of vector i of the step at `w`. */
typedef __m512 (*decode_weights_fn)(const struct packed_step *step,
				    const unsigned char *w, unsigned int i);

/* A type of weights: a constant, so that its functions are inlined. */
struct codes_type {
	decode_weights_fn decode;
	/* How a step is read at once; each vector then has lanes of all four
	 * blocks. NULL: a block is two vectors, read as they are decoded. */
	const struct nibble_type *nibbles;
	size_t block_size;
	size_t x_step; /* floats of a step of x */
};

/* Adds a step of `blocks` blocks of two rows of W times `count` rows of x. */
QUIRE_INLINE void add_step(__m512 sum[PAIR][AVX512_SMALL_CODES_MOST],
			   const unsigned char *const w[PAIR], const float *x,
			   size_t x_stride, size_t count, size_t blocks,
			   const struct codes_type *type)
{
	const size_t vectors = type->nibbles ? STEP_VECTORS : 2 * blocks;
	struct packed_step step[PAIR];

	QUIRE_UNROLL
	for (size_t r = 0; r < PAIR; r++)
		if (type->nibbles)
			step[r] = load_packed(w[r], blocks, type->nibbles);
	QUIRE_UNROLL
	for (unsigned int i = 0; i < STEP_VECTORS; i++) {
		__m512 weights[PAIR];

		if (i >= vectors)
			break;
		QUIRE_UNROLL
		for (size_t r = 0; r < PAIR; r++)
			weights[r] = type->decode(&step[r], w[r], i);
		QUIRE_UNROLL
		for (size_t m = 0; m < count; m++) {
			const __m512 columns =
			    _mm512_load_ps(x + m * x_stride + (size_t)16 * i);

			QUIRE_UNROLL
			for (size_t r = 0; r < PAIR; r++)
				sum[r][m] = _mm512_fmadd_ps(weights[r], columns,
							    sum[r][m]);
		}
	}
}

/* Rows i and i + 1 of the 16: `blocks` blocks from w[0] and w[1] on. */
QUIRE_INLINE void add_chunk(struct row_sums *sums, size_t i,
			    const unsigned char *const w[PAIR], size_t blocks,
			    const float *x, size_t x_stride, size_t count,
			    bool add, const struct codes_type *type)
{
	const size_t size = STEP_BLOCKS * type->block_size;
	const unsigned char *at[PAIR] = { w[0], w[1] };
	__m512 sum[PAIR][AVX512_SMALL_CODES_MOST];

	QUIRE_UNROLL
	for (size_t m = 0; m < count; m++)
		sum[0][m] = sum[1][m] = _mm512_setzero_ps();
	for (; blocks >= STEP_BLOCKS; blocks -= STEP_BLOCKS) {
		add_step(sum, at, x, x_stride, count, STEP_BLOCKS, type);
		at[0] += size;
		at[1] += size;
		x += type->x_step;
	}
	if (blocks > 0)
		add_step(sum, at, x, x_stride, count, blocks, type);
	QUIRE_UNROLL
	for (size_t m = 0; m < count; m++) {
		QUIRE_UNROLL
		for (size_t r = 0; r < PAIR; r++) {
			float *to = sums[m].lanes[i + r];

			if (add)
				sum[r][m] = _mm512_add_ps(_mm512_load_ps(to),
							  sum[r][m]);
			_mm512_store_ps(to, sum[r][m]);
		}
	}
}

/* Up to 16 rows of W by `count` rows of x, a constant. `sums` has one for each
 * row of x. */
QUIRE_INLINE void multiply_16_rows(const unsigned char *weights,
				   size_t row_size, size_t rows, size_t k,
				   const float *x, size_t x_stride,
				   size_t count, float *y, size_t y_stride,
				   struct row_sums *sums,
				   const struct codes_type *type)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const size_t most = (size_t)CHUNK_STEPS * STEP_BLOCKS;
	size_t far = AVX512_GEMV_NR * row_size + QUIRE_FAR_SHIFT;

	if (rows < AVX512_GEMV_NR)
		memset(sums, 0, count * sizeof(*sums));
	for (size_t b = 0; b < blocks; b += most) {
		const size_t taken = min_size(blocks - b, most);
		const size_t size = taken * type->block_size;
		const float *columns = x + b / STEP_BLOCKS * type->x_step;

		for (size_t i = 0; i < rows; i += PAIR) {
			const unsigned char *row =
			    weights + i * row_size + b * type->block_size;
			/* The last row twice if it has no other. */
			const unsigned char *const w[PAIR] = {
				row, i + 1 < rows ? row + row_size : row
			};

			for (size_t r = 0; r < PAIR; r++)
				for (size_t at = 0; at < size;
				     at += QUIRE_LINE_SIZE)
					prefetch_near(w[r], size + at);
			prefetch_far(weights, far, PAIR * size);
			far += PAIR * size;
			add_chunk(sums, i, w, taken, columns, x_stride, count,
				  b > 0, type);
		}
	}
	for (size_t m = 0; m < count; m++)
		add_up_rows(&sums[m], rows, y + m * y_stride);
}

#define CASE(count)                                                            \
	case count:                                                            \
		multiply_16_rows(w, row_size, left, k, x,                      \
				 x_size / sizeof(float), count, y + first,     \
				 y_stride, sums, type);                        \
		break

QUIRE_INLINE void multiply_small(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride, const struct codes_type *type)
{
	struct row_sums sums[FEW];

	for (size_t first = 0; first < rows; first += AVX512_GEMV_NR) {
		const unsigned char *w =
		    (const unsigned char *)weights + first * row_size;
		const size_t left = min_size(rows - first, AVX512_GEMV_NR);

		switch (x_rows) {
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
}

/* 9 to 12 rows of x: apart, as gcc's code for 4 and 5 rows is slower if all are
 * in one function. */
QUIRE_INLINE void multiply_more(const void *weights, size_t row_size,
				size_t rows, size_t k, const void *x,
				size_t x_size, size_t x_rows, float *y,
				size_t y_stride, const struct codes_type *type)
{
	struct row_sums sums[AVX512_SMALL_CODES_MOST];

	for (size_t first = 0; first < rows; first += AVX512_GEMV_NR) {
		const unsigned char *w =
		    (const unsigned char *)weights + first * row_size;
		const size_t left = min_size(rows - first, AVX512_GEMV_NR);

		switch (x_rows) {
			CASE(9);
			CASE(10);
			CASE(11);
			CASE(12);
		}
	}
}

/* Exact: a code times a scale of 11 bits. */
QUIRE_INLINE __m512 decode_q4_0(const struct packed_step *step,
				const unsigned char *w, unsigned int i)
{
	const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					     1, 2, 3, 4, 5, 6, 7);

	(void)w;
	return _mm512_mul_ps(decode_codes(step->codes, i, values), step->d);
}

static const struct codes_type type_q4_0 = {
	.decode = decode_q4_0,
	.nibbles = &nibbles_q4_0,
	.block_size = QUIRE_Q4_0_SIZE,
	.x_step = AVX512_GEMV_F32_SIZE / sizeof(float),
};

/* Rounded once. */
QUIRE_INLINE __m512 decode_q4_1(const struct packed_step *step,
				const unsigned char *w, unsigned int i)
{
	const __m512 values = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					     11, 12, 13, 14, 15);

	(void)w;
	return _mm512_fmadd_ps(decode_codes(step->codes, i, values), step->d,
			       step->min);
}

static const struct codes_type type_q4_1 = {
	.decode = decode_q4_1,
	.nibbles = &nibbles_q4_1,
	.block_size = QUIRE_Q4_1_SIZE,
	.x_step = AVX512_GEMV_F32_SIZE / sizeof(float),
};

/* Exact: 8 bits times 11. */
QUIRE_INLINE __m512 decode_q8_0(const struct packed_step *step,
				const unsigned char *w, unsigned int i)
{
	const unsigned char *block = w + (size_t)(i / 2) * QUIRE_Q8_0_SIZE;
	const __m128i codes = _mm_loadu_si128(
	    (const void *)(block + QUIRE_Q8_0_CODES + (size_t)16 * (i % 2)));
	const __m512 d =
	    _mm512_cvtph_ps(_mm256_set1_epi16((short)load_u16(block)));

	(void)step;
	return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)),
			     d);
}

static const struct codes_type type_q8_0 = {
	.decode = decode_q8_0,
	.block_size = QUIRE_Q8_0_SIZE,
	.x_step = AVX512_GEMV_F32_COLS, /* in its own order */
};

#define SMALL(type)                                                            \
	QUIRE_APART void more_##type(const void *weights, size_t row_size,     \
				     size_t rows, size_t k, const void *x,     \
				     size_t x_size, size_t x_rows, float *y,   \
				     size_t y_stride)                          \
	{                                                                      \
		multiply_more(weights, row_size, rows, k, x, x_size, x_rows,   \
			      y, y_stride, &type_##type);                      \
	}                                                                      \
	void quire_small_codes_f32_##type##_avx512(                            \
	    const void *weights, size_t row_size, size_t rows, size_t k,       \
	    const void *x, size_t x_size, size_t x_rows, float *y,             \
	    size_t y_stride)                                                   \
	{                                                                      \
		assert(k % QUIRE_BLOCK_COLS == 0);                             \
		assert(x_rows >= 1 && x_rows <= AVX512_SMALL_CODES_MOST);      \
		if (x_rows > FEW)                                              \
			more_##type(weights, row_size, rows, k, x, x_size,     \
				    x_rows, y, y_stride);                      \
		else                                                           \
			multiply_small(weights, row_size, rows, k, x, x_size,  \
				       x_rows, y, y_stride, &type_##type);     \
	}

SMALL(q4_0)
SMALL(q4_1)
SMALL(q8_0)
