/*
 * few_int8_avx512vnni.h - a few rows of quantized x by rows of W as they lie:
 * what the kernels of all types of weights share. Each brings its own way to
 * read a block of 16 rows.
 *
 * 16 rows of W at a time, a row a lane: a block of them is unpacked once, in
 * registers, and multiplied by all rows of x. Some blocks are read at once.
 * Reading 16 rows at once is nothing that hardware follows, so the next 16 are
 * asked for from their first byte to their last, into the second-level cache:
 * they are as large as the first.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_FEW_INT8_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_FEW_INT8_AVX512VNNI_H

#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <assert.h>
#include <immintrin.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/avx512vnni/strip_block_avx512vnni.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

typedef struct strip_block (*load_block_fn)(const unsigned char *const row[16],
					    size_t offset);

/* The most dwords of a row in a run of blocks. */
#define MAX_DWORDS 20

/* Block i of a run, which begins at `offset`. Called for one after the other;
 * `dwords` is to hold what was read of the run. */
typedef struct strip_block (*take_block_fn)(const unsigned char *const row[16],
					    size_t offset,
					    __m512i dwords[MAX_DWORDS],
					    size_t i);

/* A type of weights. Constant wherever it is used, so that all is inlined.
 * Blocks are taken in runs of run_blocks, and loaded by themselves where fewer
 * are left. */
struct strip_type {
	load_block_fn load;
	take_block_fn take;
	size_t block_size;
	size_t run_blocks;
	bool minima;
};

/* A strip, of which `rows` rows are there, by a constant number of rows of x,
 * of which the first x_rows are written. */
QUIRE_INLINE void multiply_strip(const unsigned char *weights, size_t row_size,
				 size_t rows, size_t k, const unsigned char *x,
				 size_t x_size, size_t count, size_t x_rows,
				 float *y, size_t y_stride,
				 const struct strip_type *type)
{
	const size_t size = STRIP * type->block_size;
	const size_t ahead = STRIP * row_size + QUIRE_FAR_SHIFT;
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const size_t run = type->run_blocks;
	const __mmask16 lanes = (__mmask16)((1U << rows) - 1);
	const unsigned char *row[STRIP];
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
			struct strip_block w;

			prefetch_far(weights, ahead + (b + i) * size, size);
			w = type->take(row, b * type->block_size, dwords, i);
			add_rows(sum, &w, x + (b + i) * QUIRE_INT8_SIZE(TILE),
				 x_size, count, type->minima);
		}
	}
	for (; b < blocks; b++) {
		struct strip_block w;

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

/* The few form. Rows of x up to the number that is multiplied are there, as a
 * tile is prepared whole. */
QUIRE_INLINE void multiply_strips(const void *weights, size_t row_size,
				  size_t rows, size_t k, const void *x,
				  size_t x_size, size_t x_rows, float *y,
				  size_t y_stride,
				  const struct strip_type *type)
{
	assert(k % QUIRE_BLOCK_COLS == 0);
	assert(x_rows >= 1 && x_rows <= QUIRE_SMALL_ROWS);
	for (size_t first = 0; first < rows; first += STRIP) {
		const unsigned char *w =
		    (const unsigned char *)weights + first * row_size;
		const size_t left = rows - first < STRIP ? rows - first : STRIP;

#define MULTIPLY(count)                                                        \
	multiply_strip(w, row_size, left, k, x, x_size, count, x_rows,         \
		       y + first, y_stride, type)
		QUIRE_BY_X_ROWS(x_rows, MULTIPLY);
#undef MULTIPLY
	}
}

#endif
