/*
 * small_codes_f32_avx512.c - 2 to 15 rows of f32 x by rows of W in place, all
 * types.
 *
 * Lanes are columns, as in GEMV, and x is in the order of the codes in
 * registers. So a weight is decoded once, into a register, and multiplied by
 * all rows of x. Each load of x serves two rows of W. A chunk of 512 columns of
 * x, 30 KiB of 15 rows, stays in the first-level cache while 16 rows of W pass.
 *
 * The next columns of rows in blocks are prefetched into the first-level cache,
 * and the next 16 rows, from their first byte to their last, into the second.
 */
#include <assert.h>
#include <immintrin.h>
#include <stdbool.h>
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
	size_t step;   /* blocks that are added at a time */
	size_t x_step; /* floats of a step of x */
	size_t most;   /* rows of x */
	bool ragged;   /* k need not be a multiple of 32 */
	bool near;     /* the next columns are prefetched */
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
	const size_t size = type->step * type->block_size;
	const unsigned char *at[PAIR];
	__m512 sum[PAIR][AVX512_SMALL_CODES_MOST];

	QUIRE_UNROLL
	for (size_t r = 0; r < PAIR; r++) {
		at[r] = w[r];
		QUIRE_UNROLL
		for (size_t m = 0; m < count; m++)
			sum[r][m] = _mm512_setzero_ps();
	}
	for (; blocks >= type->step; blocks -= type->step) {
		add_step(sum, at, x, x_stride, count, type->step, type);
		QUIRE_UNROLL
		for (size_t r = 0; r < PAIR; r++)
			at[r] += size;
		x += type->x_step;
	}
	/* A rest of a step of two blocks is one, a constant. */
	if (blocks > 0)
		add_step(sum, at, x, x_stride, count,
			 type->step == 2 ? 1 : blocks, type);
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

/* Prefetches `size` bytes after as many from `w` on. */
QUIRE_INLINE void prefetch_next(const unsigned char *w, size_t size)
{
	for (size_t at = 0; at < size; at += QUIRE_LINE_SIZE)
		prefetch_near(w, size + at);
}

/* The last columns of two rows of W, fewer than a block, and zeros. */
struct last_columns {
	unsigned char bytes[PAIR][QUIRE_BLOCK_COLS * sizeof(float)];
};

/* Copies `size` bytes of each row, and has w point to the copies. */
QUIRE_INLINE void take_last(struct last_columns *last,
			    const unsigned char *w[PAIR], size_t size)
{
	memset(last, 0, sizeof(*last));
	for (size_t r = 0; r < PAIR; r++) {
		memcpy(last->bytes[r], w[r], size);
		w[r] = last->bytes[r];
	}
}

/* Up to 16 rows of W by `count` rows of x, a constant. `sums` has one for each
 * row of x. Columns after the last whole block are a chunk of their own. */
QUIRE_INLINE void multiply_16_rows(const unsigned char *weights,
				   size_t row_size, size_t rows, size_t k,
				   const float *x, size_t x_stride,
				   size_t count, float *y, size_t y_stride,
				   struct row_sums *sums,
				   const struct codes_type *type)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const size_t most = (size_t)CHUNK_STEPS * STEP_BLOCKS;
	const size_t rest = type->ragged ? k % QUIRE_BLOCK_COLS : 0;
	size_t far = AVX512_GEMV_NR * row_size + QUIRE_FAR_SHIFT;

	if (rows < AVX512_GEMV_NR)
		memset(sums, 0, count * sizeof(*sums));
	for (size_t b = 0, taken; b < blocks + (rest > 0); b += taken) {
		const bool at_end = type->ragged && b == blocks;
		const float *columns = x + b / type->step * type->x_step;
		size_t size;

		if (type->ragged)
			columns += b % type->step * QUIRE_BLOCK_COLS;

		taken = at_end ? 1 : min_size(blocks - b, most);
		size = taken * type->block_size;
		for (size_t i = 0; i < rows; i += PAIR) {
			const unsigned char *row =
			    weights + i * row_size + b * type->block_size;
			/* The last row twice if it has no other. */
			const unsigned char *w[PAIR] = {
				row, i + 1 < rows ? row + row_size : row
			};
			struct last_columns last;

			for (size_t r = 0; type->near && r < PAIR; r++)
				prefetch_next(w[r], size);
			prefetch_far(weights, far, PAIR * size);
			far += PAIR * size;
			if (at_end)
				take_last(&last, w,
					  rest * (type->block_size /
						  QUIRE_BLOCK_COLS));
			add_chunk(sums, i, w, taken, columns, x_stride, count,
				  b > 0, type);
		}
	}
	for (size_t m = 0; m < count; m++)
		add_up_rows(&sums[m], rows, y + m * y_stride);
}

#define CASE(count)                                                            \
	case count:                                                            \
		if (count <= type->most)                                       \
			multiply_16_rows(w, row_size, left, k, x,              \
					 x_size / sizeof(float), count,        \
					 y + first, y_stride, sums, type);     \
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

/* 9 to 15 rows of x: apart, as gcc's code for 4 and 5 rows is slower if all are
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
			CASE(13);
			CASE(14);
			CASE(15);
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
	.step = STEP_BLOCKS,
	.x_step = AVX512_GEMV_F32_SIZE / sizeof(float),
	.most = 11,
	.near = true,
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
	.step = STEP_BLOCKS,
	.x_step = AVX512_GEMV_F32_SIZE / sizeof(float),
	.most = 11,
	.near = true,
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
	.step = STEP_BLOCKS,
	.x_step = AVX512_GEMV_F32_COLS, /* in its own order */
	.most = 12,
	.near = true,
};

QUIRE_INLINE __m512 decode_f32(const struct packed_step *step,
			       const unsigned char *w, unsigned int i)
{
	(void)step;
	return _mm512_loadu_ps(w + (size_t)64 * i);
}

QUIRE_INLINE __m512 decode_f16(const struct packed_step *step,
			       const unsigned char *w, unsigned int i)
{
	(void)step;
	return _mm512_cvtph_ps(
	    _mm256_loadu_si256((const void *)(w + (size_t)32 * i)));
}

/* A BF16 is the upper half of an f32. */
QUIRE_INLINE __m512 decode_bf16(const struct packed_step *step,
				const unsigned char *w, unsigned int i)
{
	const __m256i items =
	    _mm256_loadu_si256((const void *)(w + (size_t)32 * i));

	(void)step;
	return _mm512_castsi512_ps(
	    _mm512_slli_epi32(_mm512_cvtepu16_epi32(items), 16));
}

/* Rows of so many bytes are prefetched by hardware: in the first-level cache
 * instructions that do so cost more than they gain. */
#define PLAIN(type, item_size)                                                 \
	static const struct codes_type type_##type = {                         \
		.decode = decode_##type,                                       \
		.block_size = QUIRE_BLOCK_COLS * (item_size),                  \
		.step = 2,                                                     \
		.x_step = 2 * QUIRE_BLOCK_COLS,                                \
		.most = AVX512_SMALL_CODES_MOST,                               \
		.ragged = true,                                                \
	};

PLAIN(f16, sizeof(uint16_t))
PLAIN(bf16, sizeof(uint16_t))
PLAIN(f32, sizeof(float))

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
		assert(type_##type.ragged || k % QUIRE_BLOCK_COLS == 0);       \
		assert(x_rows >= 1 && x_rows <= type_##type.most);             \
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
SMALL(f16)
SMALL(bf16)
SMALL(f32)
