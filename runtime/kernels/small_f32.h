/*
 * small_f32.h - a few rows of f32 x by rows of W in place: what the x86 sets
 * share. small_f32_avx2.c and small_f32_avx512.c define the vectors and the
 * shapes, include this, and then decode each type of W.
 *
 * Lanes are rows of x, in up to MAX_VECTORS vectors. SMALL_KC columns of x stay
 * in the first-level cache while 48 rows of W pass. Up to MAX_GROUP rows of W
 * are decoded along their columns just before they are multiplied: no panel
 * takes space in that cache, and only the sums are transposed, once. Columns
 * are summed in the order of the packed form.
 *
 * The next columns of these rows of W are prefetched into the first-level
 * cache, and the next 48 rows, from their first byte to their last, into the
 * second. x is in the second level, and a core reads far enough ahead there.
 */
#ifndef QUIRE_RUNTIME_KERNELS_SMALL_F32_H
#define QUIRE_RUNTIME_KERNELS_SMALL_F32_H

#ifndef SMALL_SHAPES
#error "define the vectors and shapes first"
#endif

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/unroll.h"

/* Decodes `cols` columns of a row, at most SMALL_KC, and writes zeros up to a
 * multiple of LANES. */
typedef void (*decode_row_fn)(const unsigned char *row, size_t cols,
			      float *out);

/* A type of weights: a constant, so that its functions are inlined. */
struct row_type {
	decode_row_fn decode;
	size_t block_cols, block_size;
};

/* Writes the products of a group of rows of W over `cols` columns to
 * c[group][vectors], or adds them. */
QUIRE_INLINE void multiply_group(const float *x, size_t x_stride,
				 const float *w, size_t cols, float *c,
				 bool add, size_t vectors, size_t group)
{
	vector sum[MAX_GROUP][MAX_VECTORS];

	QUIRE_UNROLL
	for (size_t r = 0; r < group; r++) {
		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++)
			sum[r][v] = vector_zero();
	}
	for (size_t j = 0; j < cols; j++, x += LANES, w++) {
		vector column[MAX_VECTORS];

		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++)
			column[v] = vector_load(x + v * x_stride);
		QUIRE_UNROLL
		for (size_t r = 0; r < group; r++) {
			const vector a = vector_spread(w + r * SMALL_KC);

			QUIRE_UNROLL
			for (size_t v = 0; v < vectors; v++)
				sum[r][v] = vector_fma(a, column[v], sum[r][v]);
		}
	}
	QUIRE_UNROLL
	for (size_t r = 0; r < group; r++) {
		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++, c += LANES) {
			vector all = sum[r][v];

			if (add)
				all = vector_add(vector_load(c), all);
			vector_store(c, all);
		}
	}
}

/* How 48 rows of W are multiplied: `vectors` vectors of rows of x by `group`
 * rows of W at a time, so that all their sums are in registers. */
struct shape {
	size_t vectors, group;
	void (*multiply)(const float *x, size_t x_stride, const float *w,
			 size_t cols, float *c, bool add);
};

/* Not inlined, so that decoding keeps no register in the loop: with one
 * register too few gcc keeps a column of x in memory. */
#define SMALL_SHAPE(vectors_, group_)                                          \
	QUIRE_APART void multiply_group_##vectors_(                            \
	    const float *x, size_t x_stride, const float *w, size_t cols,      \
	    float *c, bool add)                                                \
	{                                                                      \
		multiply_group(x, x_stride, w, cols, c, add, vectors_,         \
			       group_);                                        \
	}                                                                      \
	static const struct shape shape_##vectors_ = {                         \
		.vectors = (vectors_),                                         \
		.group = (group_),                                             \
		.multiply = multiply_group_##vectors_,                         \
	}

SMALL_SHAPES;

/* Up to 48 rows of W. */
struct w_rows {
	const unsigned char *weights;
	size_t row_size, count;
};

QUIRE_INLINE struct w_rows take_rows(const void *weights, size_t row_size,
				     size_t rows, size_t first)
{
	return (struct w_rows){
		.weights = (const unsigned char *)weights + first * row_size,
		.row_size = row_size,
		.count = rows - first < SMALL_NR ? rows - first : SMALL_NR,
	};
}

/* Row `i`, or the last one if there is no row i: its sums are not written. */
QUIRE_INLINE const unsigned char *find_row(const struct w_rows *rows, size_t i)
{
	const size_t at = i < rows->count ? i : rows->count - 1;

	return rows->weights + at * rows->row_size;
}

/* Decodes `cols` columns, `size` bytes from `offset` on, of the group that
 * begins at row `first`, and prefetches as many bytes after them. */
QUIRE_INLINE void decode_group(const struct w_rows *rows, size_t first,
			       size_t offset, size_t cols, size_t size,
			       float *out, struct shape shape,
			       const struct row_type *type)
{
	QUIRE_NO_UNROLL
	for (size_t r = 0; r < shape.group; r++) {
		const unsigned char *row = find_row(rows, first + r) + offset;

		type->decode(row, cols, out + r * SMALL_KC);
		for (size_t at = 0; at < size; at += 64)
			prefetch_near(row, size + at);
		prefetch_near(row, 2 * size - 1);
	}
}

/* Writes the first `rows` rows of c[48][vectors][LANES] to y, as columns. */
QUIRE_INLINE void write_sums(const float *c, size_t rows, size_t x_rows,
			     float *y, size_t y_stride, struct shape shape)
{
	const size_t stride = shape.vectors * LANES;

	for (size_t n = 0; n < rows; n += LANES) {
		const size_t left = rows - n;
		const unsigned char *row[LANES];

		for (size_t i = 0; i < LANES; i++)
			row[i] = (const unsigned char *)(c + (n + i) * stride);
		for (size_t m = 0; m < x_rows; m += 4) {
			vector sums[4];

			vector_transpose(row, m * sizeof(float), sums);
			for (size_t i = 0; i < 4 && m + i < x_rows; i++)
				vector_store_first(y + (m + i) * y_stride + n,
						   left, sums[i]);
		}
	}
}

/* Up to 48 rows of W by shape.vectors vectors of rows of x; the sums of the
 * first x_rows are written. */
QUIRE_INLINE void multiply_rows(const struct w_rows *rows, size_t k,
				const float *x, size_t x_stride, size_t x_rows,
				float *y, size_t y_stride, struct shape shape,
				const struct row_type *type)
{
	_Alignas(64) float c[SMALL_NR * MOST];
	_Alignas(64) float w[MAX_GROUP * SMALL_KC];
	size_t far = SMALL_NR * rows->row_size + QUIRE_FAR_SHIFT;

	for (size_t j = 0; j < k; j += SMALL_KC) {
		const size_t cols = k - j < SMALL_KC ? k - j : SMALL_KC;
		const size_t offset = j / type->block_cols * type->block_size;
		const size_t size = cols / type->block_cols * type->block_size;

		for (size_t n = 0; n < rows->count; n += shape.group) {
			decode_group(rows, n, offset, cols, size, w, shape,
				     type);
			shape.multiply(x + j * LANES, x_stride, w, cols,
				       c + n * shape.vectors * LANES, j > 0);
			prefetch_far(rows->weights, far, shape.group * size);
			far += shape.group * size;
		}
	}
	write_sums(c, rows->count, x_rows, y, y_stride, shape);
}

/* The small-batch form for x in tiles of LANES rows. All rows of a tile can be
 * read: a tile is prepared whole. */
QUIRE_INLINE void multiply_small(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride, const struct row_type *type)
{
	assert(k % type->block_cols == 0);
	assert(x_rows >= 1 && x_rows <= MOST);
	for (size_t first = 0; first < rows; first += SMALL_NR) {
		const struct w_rows taken =
		    take_rows(weights, row_size, rows, first);

#define MULTIPLY(shape)                                                        \
	multiply_rows(&taken, k, x, x_size / sizeof(float), x_rows, y + first, \
		      y_stride, shape, type)
		BY_SMALL_SHAPE(x_rows, MULTIPLY);
#undef MULTIPLY
	}
}

#endif
