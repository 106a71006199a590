/*
 * small_int8_avx512vnni.c - 2 to 16 rows of quantized x by rows of W in place,
 * all block types.
 *
 * 16 rows of W at a time, a row in a lane: a block of them is unpacked once, in
 * registers, and multiplied by all rows of x. The hardware does not follow 16
 * rows that are read at once. So the next 16 rows, which are as many bytes, are
 * prefetched into the second-level cache, from their first byte to their last.
 */
#include <assert.h>
#include <immintrin.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512vnni/blocks_avx512vnni.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* `rows` rows of W, at most 16, by `count` rows of x, a constant; the products
 * of the first x_rows are written. */
QUIRE_INLINE void multiply_16_rows(const unsigned char *weights,
				   size_t row_size, size_t rows, size_t k,
				   const unsigned char *x, size_t x_size,
				   size_t count, size_t x_rows, float *y,
				   size_t y_stride,
				   const struct block_type *type)
{
	const size_t size = ROWS * type->block_size;
	const size_t ahead = ROWS * row_size + QUIRE_FAR_SHIFT;
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const size_t run = type->run_blocks;
	const __mmask16 lanes = (__mmask16)((1U << rows) - 1);
	const unsigned char *row[ROWS];
	__m512 sum[QUIRE_SMALL_ROWS];
	size_t b = 0;

	find_rows16(weights, row_size, rows, 0, row);
	QUIRE_UNROLL
	for (size_t m = 0; m < count; m++)
		sum[m] = _mm512_setzero_ps();
	for (; blocks - b >= run; b += run) {
		__m512i dwords[MAX_DWORDS];

		QUIRE_UNROLL
		for (size_t i = 0; i < run; i++) {
			struct row_block w;

			prefetch_far(weights, ahead + (b + i) * size, size);
			w = type->take(row, b * type->block_size, dwords, i);
			add_rows(sum, &w, x + (b + i) * QUIRE_INT8_SIZE(TILE),
				 x_size, count, type->minima);
		}
	}
	for (; b < blocks; b++) {
		struct row_block w;

		prefetch_far(weights, ahead + b * size, size);
		w = type->load(row, b * type->block_size);
		add_rows(sum, &w, x + b * QUIRE_INT8_SIZE(TILE), x_size, count,
			 type->minima);
	}
	QUIRE_UNROLL
	for (size_t m = 0; m < count; m++)
		if (m < x_rows)
			_mm512_mask_storeu_ps(y + m * y_stride, lanes, sum[m]);
}

/* All rows of a tile of x can be read: a tile is prepared whole. */
QUIRE_INLINE void multiply_small(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride, const struct block_type *type)
{
	assert(k % QUIRE_BLOCK_COLS == 0);
	assert(x_rows >= 1 && x_rows <= QUIRE_SMALL_ROWS);
	for (size_t first = 0; first < rows; first += ROWS) {
		const unsigned char *w =
		    (const unsigned char *)weights + first * row_size;
		const size_t left = rows - first < ROWS ? rows - first : ROWS;

#define MULTIPLY(count)                                                        \
	multiply_16_rows(w, row_size, left, k, x, x_size, count, x_rows,       \
			 y + first, y_stride, type)
		BY_X_ROWS(x_rows, MULTIPLY);
#undef MULTIPLY
	}
}

#define SMALL(type)                                                            \
	void quire_few_int8_##type##_avx512vnni(                               \
	    const void *weights, size_t row_size, size_t rows, size_t k,       \
	    const void *x, size_t x_size, size_t x_rows, float *y,             \
	    size_t y_stride)                                                   \
	{                                                                      \
		multiply_small(weights, row_size, rows, k, x, x_size, x_rows,  \
			       y, y_stride, &blocks_##type);                   \
	}

SMALL(q4_0)
SMALL(q4_1)
SMALL(q8_0)
