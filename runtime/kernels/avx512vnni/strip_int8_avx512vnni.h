/*
 * strip_int8_avx512vnni.h - a few rows of quantized x by weights that were
 * laid out beforehand: what the kernels of all types of weights share. Each
 * brings its own way to read a block.
 *
 * A strip is 16 rows of W. Two blocks of it are a pair: the scales of both,
 * 16 f16 each (and for minima as many), then the codes of both, so that all
 * that is loaded at once is in one cache line. Memory is read from front to
 * back.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_STRIP_INT8_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_STRIP_INT8_AVX512VNNI_H

#include <assert.h>

#include "runtime/kernels/avx512vnni/strip_block_avx512vnni.h"
#include "runtime/kernels/prefetch.h"

/* Of the block that is `second` of its pair. */
typedef struct strip_block (*read_block_fn)(const unsigned char *pair,
					    size_t second);

/* A type of weights. Constant wherever it is used, so that all is inlined. */
struct strip_type {
	read_block_fn read;
	size_t pair_size;
	bool minima;
};

QUIRE_INLINE __m512 read_f16_16(const unsigned char *from)
{
	return _mm512_cvtph_ps(_mm256_load_si256((const void *)from));
}

QUIRE_INLINE void read_nibbles(const unsigned char *from, __m512i codes[8])
{
	const __m512i nibble = _mm512_set1_epi8(15);

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const __m512i bytes = _mm512_load_si512(from + i * 64);

		codes[i] = _mm512_and_si512(bytes, nibble);
		codes[i + 4] =
		    _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble);
	}
}

/* A strip, of which `rows` rows are there, by a constant number of rows of x,
 * of which the first x_rows are written. */
QUIRE_INLINE void multiply_strip(const unsigned char *pair, size_t rows,
				 size_t k, const unsigned char *x,
				 size_t x_size, size_t count, size_t x_rows,
				 float *y, size_t y_stride,
				 const struct strip_type *type)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const __mmask16 lanes = (__mmask16)((1U << rows) - 1);
	__m512 sum[QUIRE_SMALL_ROWS];

	QUIRE_UNROLL
	for (size_t m = 0; m < count; m++)
		sum[m] = _mm512_setzero_ps();
	for (size_t b = 0; b < blocks; b += 2) {
		struct strip_block w = type->read(pair, 0);

		prefetch_along(pair, type->pair_size);
		add_rows(sum, &w, x, x_size, count, type->minima);
		x += QUIRE_INT8_SIZE(TILE);
		if (b + 1 == blocks)
			break;
		w = type->read(pair, 1);
		add_rows(sum, &w, x, x_size, count, type->minima);
		x += QUIRE_INT8_SIZE(TILE);
		pair += type->pair_size;
	}
	QUIRE_UNROLL
	for (size_t m = 0; m < count; m++)
		if (m < x_rows)
			_mm512_mask_storeu_ps(y + m * y_stride, lanes, sum[m]);
}

/* The strip form. Rows of x up to the number that is multiplied are there, as
 * a tile is prepared whole. */
QUIRE_INLINE void multiply_strips(const void *strips, size_t strip_size,
				  size_t rows, size_t k, const void *x,
				  size_t x_size, size_t x_rows, float *y,
				  size_t y_stride,
				  const struct strip_type *type)
{
	const unsigned char *strip = strips;

	assert(k % QUIRE_BLOCK_COLS == 0);
	assert(x_rows >= 1 && x_rows <= QUIRE_SMALL_ROWS);
	for (size_t first = 0; first < rows; first += STRIP) {
		const size_t left = rows - first < STRIP ? rows - first : STRIP;

#define MULTIPLY(count)                                                        \
	multiply_strip(strip, left, k, x, x_size, count, x_rows, y + first,    \
		       y_stride, type)
		QUIRE_BY_X_ROWS(x_rows, MULTIPLY);
#undef MULTIPLY
		strip += strip_size;
	}
}

#endif
