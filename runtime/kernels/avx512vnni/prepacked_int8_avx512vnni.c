/*
 * prepacked_int8_avx512vnni.c - 1 to 16 rows of quantized x by weights that
 * were packed beforehand, all block types; and the packing.
 *
 * A panel is 16 rows of W, all columns. Two blocks of it are a pair: the scales
 * of both, 16 f16 each (and minima likewise), then the codes of both, 4 columns
 * of a row in a lane, so that what is loaded at once is in one cache line.
 * Memory is read from front to back.
 */
#include <assert.h>
#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/avx512vnni/rows_int8_avx512vnni.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* Reads the first or second (0 or 1) block of a pair. */
typedef struct row_block (*read_block_fn)(const unsigned char *pair,
					  size_t second);

/* A block of each row, at `offset`, to its place in a pair. */
typedef void (*pack_block_fn)(const unsigned char *const row[16], size_t offset,
			      unsigned char *pair, size_t second);

/* A type of weights: a constant, so that its functions are inlined. */
struct prepacked_type {
	read_block_fn read;
	pack_block_fn pack;
	size_t block_size, pair_size;
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

/* Copies the f16 at `offset` of each row. */
QUIRE_INLINE void store_f16_16(const unsigned char *const row[16],
			       size_t offset, unsigned char *out)
{
	for (size_t i = 0; i < 16; i++)
		memcpy(out + i * 2, row[i] + offset, 2);
}

QUIRE_INLINE struct row_block read_q4_0(const unsigned char *pair,
					size_t second)
{
	const unsigned char *codes =
	    pair + AVX512_STRIP_SCALES + second * AVX512_STRIP_NIBBLES;
	struct row_block block = {
		.d = read_f16_16(pair + second * 32),
	};

	read_nibbles(codes, block.codes);
	return block;
}

QUIRE_INLINE void pack_block_q4_0(const unsigned char *const row[16],
				  size_t offset, unsigned char *pair,
				  size_t second)
{
	unsigned char *codes =
	    pair + AVX512_STRIP_SCALES + second * AVX512_STRIP_NIBBLES;
	__m512i vectors[4];

	store_f16_16(row, offset, pair + second * 32);
	load_transposed16(row, offset + QUIRE_Q4_0_CODES, vectors);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		_mm512_store_si512(codes + i * 64, vectors[i]);
}

static const struct prepacked_type type_q4_0 = {
	.read = read_q4_0,
	.pack = pack_block_q4_0,
	.block_size = QUIRE_Q4_0_SIZE,
	.pair_size = AVX512_STRIP_Q4_0_SIZE,
	.minima = false,
};

QUIRE_INLINE struct row_block read_q4_1(const unsigned char *pair,
					size_t second)
{
	const unsigned char *codes =
	    pair + AVX512_STRIP_MIN_SCALES + second * AVX512_STRIP_NIBBLES;
	struct row_block block = {
		.d = read_f16_16(pair + second * 32),
		.min = read_f16_16(pair + AVX512_STRIP_SCALES + second * 32),
	};

	read_nibbles(codes, block.codes);
	return block;
}

QUIRE_INLINE void pack_block_q4_1(const unsigned char *const row[16],
				  size_t offset, unsigned char *pair,
				  size_t second)
{
	unsigned char *codes =
	    pair + AVX512_STRIP_MIN_SCALES + second * AVX512_STRIP_NIBBLES;
	__m512i vectors[4];

	store_f16_16(row, offset, pair + second * 32);
	store_f16_16(row, offset + QUIRE_Q4_1_MIN,
		     pair + AVX512_STRIP_SCALES + second * 32);
	load_transposed16(row, offset + QUIRE_Q4_1_CODES, vectors);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		_mm512_store_si512(codes + i * 64, vectors[i]);
}

static const struct prepacked_type type_q4_1 = {
	.read = read_q4_1,
	.pack = pack_block_q4_1,
	.block_size = QUIRE_Q4_1_SIZE,
	.pair_size = AVX512_STRIP_Q4_1_SIZE,
	.minima = true,
};

QUIRE_INLINE struct row_block read_q8_0(const unsigned char *pair,
					size_t second)
{
	const unsigned char *codes =
	    pair + AVX512_STRIP_SCALES + second * AVX512_STRIP_BYTES;
	struct row_block block = {
		.d = read_f16_16(pair + second * 32),
	};

	QUIRE_UNROLL
	for (size_t i = 0; i < 8; i++)
		block.codes[i] = _mm512_load_si512(codes + i * 64);
	return block;
}

QUIRE_INLINE void pack_block_q8_0(const unsigned char *const row[16],
				  size_t offset, unsigned char *pair,
				  size_t second)
{
	unsigned char *codes =
	    pair + AVX512_STRIP_SCALES + second * AVX512_STRIP_BYTES;
	__m512i vectors[8];

	store_f16_16(row, offset, pair + second * 32);
	load_bytes16(row, offset + QUIRE_Q8_0_CODES, vectors);
	QUIRE_UNROLL
	for (size_t i = 0; i < 8; i++)
		_mm512_store_si512(codes + i * 64, vectors[i]);
}

static const struct prepacked_type type_q8_0 = {
	.read = read_q8_0,
	.pack = pack_block_q8_0,
	.block_size = QUIRE_Q8_0_SIZE,
	.pair_size = AVX512_STRIP_Q8_0_SIZE,
	.minima = false,
};

/* The first `rows` rows of a panel by `count` rows of x, a constant; the
 * products of the first x_rows are written. */
QUIRE_INLINE void multiply_panel(const unsigned char *pair, size_t rows,
				 size_t k, const unsigned char *x,
				 size_t x_size, size_t count, size_t x_rows,
				 float *y, size_t y_stride,
				 const struct prepacked_type *type)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const __mmask16 lanes = (__mmask16)((1U << rows) - 1);
	__m512 sum[QUIRE_SMALL_ROWS];

	QUIRE_UNROLL
	for (size_t m = 0; m < count; m++)
		sum[m] = _mm512_setzero_ps();
	for (size_t b = 0; b < blocks; b += 2) {
		struct row_block w = type->read(pair, 0);

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

/* All rows of a tile of x can be read: a tile is prepared whole. */
QUIRE_INLINE void multiply_panels(const void *panels, size_t panel_size,
				  size_t rows, size_t k, const void *x,
				  size_t x_size, size_t x_rows, float *y,
				  size_t y_stride,
				  const struct prepacked_type *type)
{
	const unsigned char *panel = panels;

	assert(k % QUIRE_BLOCK_COLS == 0);
	assert(x_rows >= 1 && x_rows <= QUIRE_SMALL_ROWS);
	for (size_t first = 0; first < rows; first += ROWS) {
		const size_t left = rows - first < ROWS ? rows - first : ROWS;

#define MULTIPLY(count)                                                        \
	multiply_panel(panel, left, k, x, x_size, count, x_rows, y + first,    \
		       y_stride, type)
		BY_X_ROWS(x_rows, MULTIPLY);
#undef MULTIPLY
		panel += panel_size;
	}
}

QUIRE_INLINE void pack_panel(const void *weights, size_t row_size, size_t rows,
			     size_t k, unsigned char *panel,
			     const struct prepacked_type *type)
{
	const unsigned char *row[16];

	assert(k % QUIRE_BLOCK_COLS == 0);
	find_rows16(weights, row_size, rows, 0, row);
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++)
		type->pack(row, b * type->block_size,
			   panel + b / 2 * type->pair_size, b % 2);
}

#define PREPACKED(type)                                                        \
	void quire_pack_strip_##type##_avx512(const void *weights,             \
					      size_t row_size, size_t rows,    \
					      size_t k, void *panel)           \
	{                                                                      \
		pack_panel(weights, row_size, rows, k, panel, &type_##type);   \
	}                                                                      \
	void quire_strip_int8_##type##_avx512vnni(                             \
	    const void *panels, size_t panel_size, size_t rows, size_t k,      \
	    const void *x, size_t x_size, size_t x_rows, float *y,             \
	    size_t y_stride)                                                   \
	{                                                                      \
		multiply_panels(panels, panel_size, rows, k, x, x_size,        \
				x_rows, y, y_stride, &type_##type);            \
	}

PREPACKED(q4_0)
PREPACKED(q4_1)
PREPACKED(q8_0)
