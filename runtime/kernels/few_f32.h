/*
 * few_f32.h - a few rows of x by rows of W as they lie, in f32: what the
 * kernels of x86 sets share, whatever their vectors. few_f32_avx2.h and
 * few_f32_avx512.h, which include this, have those; the kernels of each type of
 * weights bring their own way to decode a row.
 *
 * Lanes are rows of x, those of up to MAX_VECTORS vectors. FEW_KC of their
 * columns stay in the first-level cache while 48 rows of W go by, a few of
 * which are decoded along their columns just before they are multiplied: so no
 * panel takes up that cache, and nothing need be transposed but the sums, once.
 * They are summed in the order of the panel form.
 *
 * Where there are fewer rows of x than lanes, a vector has several columns of
 * each, beside each other. Their sums are added up at the end.
 *
 * Meanwhile the next columns of these rows of W are asked for, into the
 * first-level cache, and the next 48 rows, from their first byte to their last,
 * into the second. Of x the second level has all, and a core runs ahead of its
 * loads far enough by itself.
 */
#ifndef QUIRE_KERNELS_FEW_F32_H
#define QUIRE_KERNELS_FEW_F32_H

#ifndef QUIRE_FEW_SHAPES
#error "include few_f32_avx2.h or few_f32_avx512.h"
#endif

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/unroll.h"

/* Decodes `cols` columns of a row, at most FEW_KC, and zeros up to a multiple
 * of LANES. */
typedef void (*decode_row_fn)(const unsigned char *row, size_t cols,
			      float *out);

/* A type of weights. Constant wherever it is used, so that all is inlined. */
struct few_type {
	decode_row_fn decode;
	size_t block_cols, block_size;
};

/* The products of a group over `cols` columns, written to c[group][vectors] or
 * added to it. Columns up to a whole vector are there, and zeros. */
QUIRE_INLINE void multiply_group(const float *x, size_t x_stride,
				 const float *w, size_t cols, float *c,
				 bool add, size_t rows, size_t vectors,
				 size_t group)
{
	const size_t columns = LANES / rows;
	few_vector sum[MAX_GROUP][MAX_VECTORS];

	QUIRE_UNROLL
	for (size_t r = 0; r < group; r++) {
		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++)
			sum[r][v] = few_zero();
	}
	for (size_t j = 0; j < cols; j += columns, x += LANES, w += columns) {
		few_vector column[MAX_VECTORS];

		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++)
			column[v] = few_load(x + v * x_stride);
		QUIRE_UNROLL
		for (size_t r = 0; r < group; r++) {
			const few_vector a =
			    spread_columns(w + r * FEW_KC, columns);

			QUIRE_UNROLL
			for (size_t v = 0; v < vectors; v++)
				sum[r][v] = few_fma(a, column[v], sum[r][v]);
		}
	}
	QUIRE_UNROLL
	for (size_t r = 0; r < group; r++) {
		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++, c += LANES) {
			few_vector all = sum[r][v];

			if (add)
				all = few_add(few_load(c), all);
			few_store(c, all);
		}
	}
}

/* How 48 rows of W are taken: `vectors` vectors of `rows` rows of x, by `group`
 * rows of W at a time, so that all their sums are in registers. */
struct few_shape {
	size_t rows, vectors, group;
	void (*multiply)(const float *x, size_t x_stride, const float *w,
			 size_t cols, float *c, bool add);
};

/* The products are apart, so that nothing of decoding has a register meanwhile:
 * with one too few gcc keeps a column of x in memory. */
#define FEW_SHAPE(rows_, vectors_, group_)                                     \
	QUIRE_APART void multiply_group_##rows_##_##vectors_(                  \
	    const float *x, size_t x_stride, const float *w, size_t cols,      \
	    float *c, bool add)                                                \
	{                                                                      \
		multiply_group(x, x_stride, w, cols, c, add, rows_, vectors_,  \
			       group_);                                        \
	}                                                                      \
	static const struct few_shape few_shape_##rows_##_##vectors_ = {       \
		.rows = (rows_),                                               \
		.vectors = (vectors_),                                         \
		.group = (group_),                                             \
		.multiply = multiply_group_##rows_##_##vectors_,               \
	}

QUIRE_FEW_SHAPES;

/* Up to 48 rows of W: their bytes, and where they are. */
struct few_rows {
	const unsigned char *weights;
	size_t row_size, count;
};

QUIRE_INLINE struct few_rows take_rows(const void *weights, size_t row_size,
				       size_t rows, size_t first)
{
	return (struct few_rows){
		.weights = (const unsigned char *)weights + first * row_size,
		.row_size = row_size,
		.count = rows - first < FEW_NR ? rows - first : FEW_NR,
	};
}

/* Row `i`, or the last one, as what comes of more is of no account. */
QUIRE_INLINE const unsigned char *find_row(const struct few_rows *rows,
					   size_t i)
{
	const size_t at = i < rows->count ? i : rows->count - 1;

	return rows->weights + at * rows->row_size;
}

/* Decodes columns `size` bytes long, from `offset` on, of the group from row
 * `first` on, and asks for the same of the columns after them. */
QUIRE_INLINE void decode_group(const struct few_rows *rows, size_t first,
			       size_t offset, size_t cols, size_t size,
			       float *out, struct few_shape shape,
			       const struct few_type *type)
{
	for (size_t r = 0; r < shape.group; r++) {
		const unsigned char *row = find_row(rows, first + r) + offset;

		type->decode(row, cols, out + r * FEW_KC);
		for (size_t at = 0; at < size; at += 64)
			prefetch_near(row, size + at);
		prefetch_near(row, 2 * size - 1);
	}
}

/* The sums of the next rows of x from row `m` on, each of `columns` (1, 2 or 4)
 * lanes, as vectors; returns how many. */
QUIRE_INLINE size_t take_sums(const unsigned char *const row[LANES], size_t m,
			      size_t columns, few_vector sums[4])
{
	few_transpose(row, m * columns * sizeof(float), sums);
	for (size_t left = columns; left > 1; left /= 2) {
		sums[0] = few_add(sums[0], sums[1]);
		sums[1] = few_add(sums[2], sums[3]);
	}
	return 4 / columns;
}

/* c[48][vectors][LANES], of which the rows that are there go to y, by columns.
 */
QUIRE_INLINE void write_sums(const float *c, size_t rows, size_t x_rows,
			     float *y, size_t y_stride, struct few_shape shape)
{
	const size_t stride = shape.vectors * LANES;

	for (size_t n = 0; n < rows; n += LANES) {
		const size_t left = rows - n;
		const unsigned char *row[LANES];

		for (size_t i = 0; i < LANES; i++)
			row[i] = (const unsigned char *)(c + (n + i) * stride);
		for (size_t m = 0; m < x_rows;) {
			few_vector sums[4];
			const size_t count =
			    take_sums(row, m, LANES / shape.rows, sums);

			for (size_t i = 0; i < count && m < x_rows; i++, m++)
				few_store_first(y + m * y_stride + n, left,
						sums[i]);
		}
	}
}

/* Up to 48 rows of W by up to `rows` * `vectors` rows of x, of which x_rows are
 * written. */
QUIRE_INLINE void multiply_rows(const struct few_rows *rows, size_t k,
				const float *x, size_t x_stride, size_t x_rows,
				float *y, size_t y_stride,
				struct few_shape shape,
				const struct few_type *type)
{
	_Alignas(64) float c[FEW_NR * MOST];
	_Alignas(64) float w[MAX_GROUP * FEW_KC];
	size_t far = FEW_NR * rows->row_size + QUIRE_FAR_SHIFT;

	for (size_t j = 0; j < k; j += FEW_KC) {
		const size_t cols = k - j < FEW_KC ? k - j : FEW_KC;
		const size_t offset = j / type->block_cols * type->block_size;
		const size_t size = cols / type->block_cols * type->block_size;

		for (size_t n = 0; n < rows->count; n += shape.group) {
			decode_group(rows, n, offset, cols, size, w, shape,
				     type);
			shape.multiply(x + j * shape.rows, x_stride, w, cols,
				       c + n * shape.vectors * LANES, j > 0);
			prefetch_far(rows->weights, far, shape.group * size);
			far += shape.group * size;
		}
	}
	write_sums(c, rows->count, x_rows, y, y_stride, shape);
}

/* The few form, for x in tiles of `tile` rows, all of which are there, as a
 * tile is prepared whole. */
QUIRE_INLINE void multiply_few(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x,
			       size_t x_size, size_t x_rows, float *y,
			       size_t y_stride, size_t tile,
			       const struct few_type *type)
{
	assert(k % type->block_cols == 0);
	assert(x_rows >= 1 && x_rows <= (tile < LANES ? tile : MOST));
	for (size_t first = 0; first < rows; first += FEW_NR) {
		const struct few_rows taken =
		    take_rows(weights, row_size, rows, first);

#define MULTIPLY(shape)                                                        \
	multiply_rows(&taken, k, x, x_size / sizeof(float), x_rows, y + first, \
		      y_stride, shape, type)
		QUIRE_BY_FEW_SHAPE(tile, x_rows, MULTIPLY);
#undef MULTIPLY
	}
}

/* A kernel for x in tiles of `tile` rows and weights of `type`. */
#define FEW_F32_KERNEL(name, tile, type)                                       \
	void name(const void *weights, size_t row_size, size_t rows, size_t k, \
		  const void *x, size_t x_size, size_t x_rows, float *y,       \
		  size_t y_stride)                                             \
	{                                                                      \
		multiply_few(weights, row_size, rows, k, x, x_size, x_rows, y, \
			     y_stride, tile, type);                            \
	}

#endif
