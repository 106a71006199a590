/*
 * few_f32_avx512.h - a few rows of x by rows of W as they lie, in f32: what the
 * kernels of all types of weights share. Each brings its own way to decode a
 * row.
 *
 * Lanes are rows of x, up to 64 of them in four vectors. 128 of their columns
 * stay in the first-level cache while 48 rows of W go by, a few of which are
 * decoded along their columns just before they are multiplied: so no panel
 * takes up that cache, and nothing need be transposed but the sums, once. They
 * are summed in the order of the panel form.
 *
 * Meanwhile the next columns of these rows of W are asked for, into the
 * first-level cache, and the next 48 rows, in the order in which they lie, into
 * the second. Of x the second level has all, and a core runs ahead of its loads
 * far enough by itself.
 */
#ifndef QUIRE_KERNELS_FEW_F32_AVX512_H
#define QUIRE_KERNELS_FEW_F32_AVX512_H

#ifndef __AVX512BW__
#error "compile with -mavx512bw"
#endif

#include <assert.h>
#include <immintrin.h>

#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/rows_avx512.h"
#include "runtime/kernels/unroll.h"

enum {
	LANES = AVX512_FEW_F32_MR,
	FEW_NR = AVX512_FEW_F32_NR,
	FEW_KC = AVX512_F32_KC,
	MAX_VECTORS = AVX512_FEW_F32_MOST / LANES,
	MAX_GROUP = 12,
};

/* Decodes `cols` columns of a row, at most FEW_KC. */
typedef void (*decode_row_fn)(const unsigned char *row, size_t cols,
			      float *out);

/* A type of weights. Constant wherever it is used, so that all is inlined. */
struct few_type {
	decode_row_fn decode;
	size_t block_cols, block_size;
};

/* Of 16 lanes as many as are left. */
static inline __mmask16 lanes_left(size_t left)
{
	return (__mmask16)(left < 16 ? (1U << left) - 1 : 65535);
}

/* The products of a group over `cols` columns, written to c[group][vectors] or
 * added to it. */
QUIRE_INLINE void multiply_group(const float *x, size_t x_stride,
				 const float *w, size_t cols, float *c,
				 bool add, size_t vectors, size_t group)
{
	__m512 sum[MAX_GROUP][MAX_VECTORS];

	QUIRE_UNROLL
	for (size_t r = 0; r < group; r++) {
		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++)
			sum[r][v] = _mm512_setzero_ps();
	}
	for (size_t j = 0; j < cols; j++, x += LANES, w++) {
		__m512 column[MAX_VECTORS];

		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++)
			column[v] = _mm512_load_ps(x + v * x_stride);
		QUIRE_UNROLL
		for (size_t r = 0; r < group; r++) {
			const __m512 a = _mm512_set1_ps(w[r * FEW_KC]);

			QUIRE_UNROLL
			for (size_t v = 0; v < vectors; v++)
				sum[r][v] =
				    _mm512_fmadd_ps(a, column[v], sum[r][v]);
		}
	}
	QUIRE_UNROLL
	for (size_t r = 0; r < group; r++) {
		QUIRE_UNROLL
		for (size_t v = 0; v < vectors; v++, c += LANES) {
			__m512 all = sum[r][v];

			if (add)
				all = _mm512_add_ps(_mm512_load_ps(c), all);
			_mm512_store_ps(c, all);
		}
	}
}

/* How 48 rows of W are taken: `vectors` vectors of rows of x, by `group` rows
 * of W at a time, so that sums, all in registers, are 24 where they can be. */
struct few_shape {
	size_t vectors, group;
	void (*multiply)(const float *x, size_t x_stride, const float *w,
			 size_t cols, float *c, bool add);
};

/* The products are apart, so that nothing of decoding has a register meanwhile:
 * with one too few gcc keeps a column of x in memory. */
#define FEW_SHAPE(vectors_, group_)                                            \
	QUIRE_APART void multiply_group_##vectors_(                            \
	    const float *x, size_t x_stride, const float *w, size_t cols,      \
	    float *c, bool add)                                                \
	{                                                                      \
		multiply_group(x, x_stride, w, cols, c, add, vectors_,         \
			       group_);                                        \
	}                                                                      \
	static const struct few_shape few_shape_##vectors_ = {                 \
		.vectors = (vectors_),                                         \
		.group = (group_),                                             \
		.multiply = multiply_group_##vectors_,                         \
	}

FEW_SHAPE(1, 12);
FEW_SHAPE(2, 12);
FEW_SHAPE(3, 8);
FEW_SHAPE(4, 6);

/* Up to 48 rows of W: their bytes, and where they are. */
struct few_rows {
	const unsigned char *weights;
	size_t row_size, count;
};

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

/* c[48][16 * vectors], of which the rows that are there go to y, by columns. */
QUIRE_INLINE void write_sums(const float *c, size_t rows, size_t x_rows,
			     float *y, size_t y_stride, struct few_shape shape)
{
	const size_t stride = shape.vectors * LANES;

	for (size_t n = 0; n < rows; n += 16) {
		const __mmask16 lanes = lanes_left(rows - n);
		const unsigned char *row[16];

		for (size_t i = 0; i < 16; i++)
			row[i] = (const unsigned char *)(c + (n + i) * stride);
		for (size_t m = 0; m < x_rows; m += 4) {
			__m512i out[4];

			load_transposed16(row, m * sizeof(*c), out);
			for (size_t i = 0; i < 4 && m + i < x_rows; i++)
				_mm512_mask_storeu_epi32(
				    y + (m + i) * y_stride + n, lanes, out[i]);
		}
	}
}

/* Up to 48 rows of W by up to 16 * vectors rows of x, of which x_rows are
 * written. */
QUIRE_INLINE void multiply_rows(const struct few_rows *rows, size_t k,
				const float *x, size_t x_stride, size_t x_rows,
				float *y, size_t y_stride,
				struct few_shape shape,
				const struct few_type *type)
{
	_Alignas(64) float c[FEW_NR * AVX512_FEW_F32_MOST];
	_Alignas(64) float w[MAX_GROUP * FEW_KC];
	size_t far = FEW_NR * rows->row_size;

	for (size_t j = 0; j < k; j += FEW_KC) {
		const size_t cols = k - j < FEW_KC ? k - j : FEW_KC;
		const size_t offset = j / type->block_cols * type->block_size;
		const size_t size = cols / type->block_cols * type->block_size;

		for (size_t n = 0; n < rows->count; n += shape.group) {
			decode_group(rows, n, offset, cols, size, w, shape,
				     type);
			shape.multiply(x + j * LANES, x_stride, w, cols,
				       c + n * shape.vectors * LANES, j > 0);
			for (size_t at = 0; at < shape.group * size; at += 64)
				prefetch_far(rows->weights, far + at);
			far += shape.group * size;
		}
	}
	write_sums(c, rows->count, x_rows, y, y_stride, shape);
}

/* The few form. Rows of x up to a multiple of 16 are there, as a tile is
 * prepared whole. */
QUIRE_INLINE void multiply_few(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x,
			       size_t x_size, size_t x_rows, float *y,
			       size_t y_stride, const struct few_type *type)
{
	assert(k % type->block_cols == 0);
	assert(x_rows >= 1 && x_rows <= AVX512_FEW_F32_MOST);
	for (size_t first = 0; first < rows; first += FEW_NR) {
		const struct few_rows taken = {
			.weights =
			    (const unsigned char *)weights + first * row_size,
			.row_size = row_size,
			.count = rows - first < FEW_NR ? rows - first : FEW_NR,
		};

#define MULTIPLY(shape)                                                        \
	multiply_rows(&taken, k, x, x_size / sizeof(float), x_rows, y + first, \
		      y_stride, shape, type)
		switch ((x_rows - 1) / LANES) {
		case 0:
			MULTIPLY(few_shape_1);
			break;
		case 1:
			MULTIPLY(few_shape_2);
			break;
		case 2:
			MULTIPLY(few_shape_3);
			break;
		default:
			MULTIPLY(few_shape_4);
		}
#undef MULTIPLY
	}
}

#endif
