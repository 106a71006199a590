/*
 * small_int8_avx512vnni.c - 2 to 16 rows of quantized x by rows of W in place
 * or prepacked, all block types.
 *
 * 16 rows of W at a time, a row in a lane: a block of them is unpacked once, in
 * registers, and multiplied by all rows of x. The hardware does not prefetch 16
 * rows that are read at once. So the next 16 rows in place, which are as many
 * bytes, are prefetched into the second-level cache, from their first byte to
 * their last.
 */
#include <assert.h>
#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/avx512vnni/blocks_avx512vnni.h"
#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"
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
	struct row_sums sums;
	size_t b = 0;

	find_rows16(weights, row_size, rows, 0, row);
	clear_rows(&sums, count);
	for (; blocks - b >= run; b += run) {
		__m512i dwords[MAX_DWORDS];

		QUIRE_UNROLL
		for (size_t i = 0; i < run; i++) {
			struct row_block w;

			prefetch_far(weights, ahead + (b + i) * size, size);
			w = type->take(row, b * type->block_size, dwords, i);
			add_rows(&sums, &w, x + (b + i) * QUIRE_INT8_SIZE(TILE),
				 x_size, count, x_rows, type->minima);
		}
	}
	for (; b < blocks; b++) {
		struct row_block w;

		prefetch_far(weights, ahead + b * size, size);
		w = type->load(row, b * type->block_size);
		add_rows(&sums, &w, x + b * QUIRE_INT8_SIZE(TILE), x_size,
			 count, x_rows, type->minima);
	}
	store_rows(&sums, count, x_rows, y, y_stride, lanes);
}

/* All rows of a tile of x can be read: a tile is prepared whole. `few`: x_rows
 * is at most FEW_ROWS. */
QUIRE_INLINE void multiply_small(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride, const struct block_type *type,
				 bool few)
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
		if (few)
			QUIRE_BY_FEW_ROWS(x_rows, MULTIPLY);
		else
			QUIRE_BY_MORE_ROWS(x_rows, MULTIPLY);
#undef MULTIPLY
	}
}

/*
 * Prepacked weights: a strip is 16 rows of W, all columns. Two blocks are a
 * pair: the scales of both, f16 [2][16]; in Q4_1 their minima likewise; then
 * the codes of both, 4 columns of each of 16 rows at a time, u4 or u8. So what
 * is loaded at once is in one cache line. Memory is read from front to back.
 */
enum {
	PAIR_COLS = 2 * QUIRE_BLOCK_COLS,
	SCALES_SIZE = ROWS * 2,		      /* of one block */
	BYTES_SIZE = ROWS * QUIRE_BLOCK_COLS, /* codes of one block */
	NIBBLES_SIZE = BYTES_SIZE / 2,
	PAIR_Q4_0_SIZE = 2 * SCALES_SIZE + 2 * NIBBLES_SIZE,
	PAIR_Q4_1_SIZE = 4 * SCALES_SIZE + 2 * NIBBLES_SIZE,
	PAIR_Q8_0_SIZE = 2 * SCALES_SIZE + 2 * BYTES_SIZE,
};

/* A type of weights: a constant, so that all is inlined. */
struct strip_type {
	size_t block_size, block_codes; /* in place */
	size_t pair_size, codes_size;	/* of a pair; of the codes of a block */
	bool minima;
};

/* Where the codes of the first or second (0 or 1) block of a pair begin. */
QUIRE_INLINE size_t find_codes(const struct strip_type *type, size_t second)
{
	return type->pair_size - 2 * type->codes_size +
	       second * type->codes_size;
}

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

/* The first or second (0 or 1) block of a pair. */
QUIRE_INLINE struct row_block read_block(const unsigned char *pair,
					 size_t second,
					 const struct strip_type *type)
{
	const unsigned char *codes = pair + find_codes(type, second);
	struct row_block block = {
		.d = read_f16_16(pair + second * SCALES_SIZE),
	};

	if (type->minima)
		block.min = read_f16_16(pair + (2 + second) * SCALES_SIZE);
	if (type->codes_size == NIBBLES_SIZE) {
		read_nibbles(codes, block.codes);
		return block;
	}
	QUIRE_UNROLL
	for (size_t i = 0; i < 8; i++)
		block.codes[i] = _mm512_load_si512(codes + i * 64);
	return block;
}

/* Copies the f16 at `offset` of each row. */
QUIRE_INLINE void store_f16_16(const unsigned char *const row[16],
			       size_t offset, unsigned char *out)
{
	for (size_t i = 0; i < 16; i++)
		memcpy(out + i * 2, row[i] + offset, 2);
}

/* Stores the block at `offset` of each row as the first or second of a pair. */
QUIRE_INLINE void pack_block(const unsigned char *const row[16], size_t offset,
			     unsigned char *pair, size_t second,
			     const struct strip_type *type)
{
	unsigned char *codes = pair + find_codes(type, second);
	__m512i vectors[8];

	store_f16_16(row, offset, pair + second * SCALES_SIZE);
	if (type->minima)
		store_f16_16(row, offset + QUIRE_Q4_1_MIN,
			     pair + (2 + second) * SCALES_SIZE);
	if (type->codes_size == NIBBLES_SIZE)
		load_transposed16(row, offset + type->block_codes, vectors);
	else
		load_bytes16(row, offset + type->block_codes, vectors);
	QUIRE_UNROLL
	for (size_t i = 0; i < type->codes_size / 64; i++)
		_mm512_store_si512(codes + i * 64, vectors[i]);
}

QUIRE_INLINE void pack_strip(const void *weights, size_t row_size, size_t rows,
			     size_t k, unsigned char *strip,
			     const struct strip_type *type)
{
	const unsigned char *row[16];

	assert(k % QUIRE_BLOCK_COLS == 0);
	find_rows16(weights, row_size, rows, 0, row);
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++)
		pack_block(row, b * type->block_size,
			   strip + b / 2 * type->pair_size, b % 2, type);
}

/* The first `rows` rows of a strip by `count` rows of x, a constant; the
 * products of the first x_rows are written. */
QUIRE_INLINE void multiply_strip(const unsigned char *pair, size_t rows,
				 size_t k, const unsigned char *x,
				 size_t x_size, size_t count, size_t x_rows,
				 float *y, size_t y_stride,
				 const struct strip_type *type)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS;
	const __mmask16 lanes = (__mmask16)((1U << rows) - 1);
	struct row_sums sums;

	clear_rows(&sums, count);
	for (size_t b = 0; b < blocks; b += 2) {
		struct row_block w = read_block(pair, 0, type);

		prefetch_along(pair, type->pair_size);
		add_rows(&sums, &w, x, x_size, count, x_rows, type->minima);
		x += QUIRE_INT8_SIZE(TILE);
		if (b + 1 == blocks)
			break;
		w = read_block(pair, 1, type);
		add_rows(&sums, &w, x, x_size, count, x_rows, type->minima);
		x += QUIRE_INT8_SIZE(TILE);
		pair += type->pair_size;
	}
	store_rows(&sums, count, x_rows, y, y_stride, lanes);
}

/* All rows of a tile of x can be read: a tile is prepared whole. */
QUIRE_INLINE void multiply_strips(const void *strips, size_t strip_size,
				  size_t rows, size_t k, const void *x,
				  size_t x_size, size_t x_rows, float *y,
				  size_t y_stride,
				  const struct strip_type *type, bool few)
{
	const unsigned char *strip = strips;

	assert(k % QUIRE_BLOCK_COLS == 0);
	assert(x_rows >= 1 && x_rows <= QUIRE_SMALL_ROWS);
	for (size_t first = 0; first < rows; first += ROWS) {
		const size_t left = rows - first < ROWS ? rows - first : ROWS;

#define MULTIPLY(count)                                                        \
	multiply_strip(strip, left, k, x, x_size, count, x_rows, y + first,    \
		       y_stride, type)
		if (few)
			QUIRE_BY_FEW_ROWS(x_rows, MULTIPLY);
		else
			QUIRE_BY_MORE_ROWS(x_rows, MULTIPLY);
#undef MULTIPLY
		strip += strip_size;
	}
}

#define SMALL_FUNCTION(name, multiply, type, few)                              \
	QUIRE_APART void name(const void *weights, size_t row_size,            \
			      size_t rows, size_t k, const void *x,            \
			      size_t x_size, size_t x_rows, float *y,          \
			      size_t y_stride)                                 \
	{                                                                      \
		multiply(weights, row_size, rows, k, x, x_size, x_rows, y,     \
			 y_stride, type, few);                                 \
	}

#define BY_ROWS(name, few, more)                                               \
	static void name(const void *weights, size_t row_size, size_t rows,    \
			 size_t k, const void *x, size_t x_size,               \
			 size_t x_rows, float *y, size_t y_stride)             \
	{                                                                      \
		(x_rows <= FEW_ROWS ? few : more)(weights, row_size, rows, k,  \
						  x, x_size, x_rows, y,        \
						  y_stride);                   \
	}

/* Weights in place, prepacking, and prepacked weights. */
#define SMALL(type, TYPE, codes, has_minima)                                   \
	static const struct strip_type strip_##type = {                        \
		.block_size = QUIRE_##TYPE##_SIZE,                             \
		.block_codes = QUIRE_##TYPE##_CODES,                           \
		.pair_size = PAIR_##TYPE##_SIZE,                               \
		.codes_size = (codes),                                         \
		.minima = (has_minima),                                        \
	};                                                                     \
	SMALL_FUNCTION(few_##type, multiply_small, &blocks_##type, true)       \
	SMALL_FUNCTION(more_##type, multiply_small, &blocks_##type, false)     \
	SMALL_FUNCTION(few_strips_##type, multiply_strips, &strip_##type,      \
		       true)                                                   \
	SMALL_FUNCTION(more_strips_##type, multiply_strips, &strip_##type,     \
		       false)                                                  \
	BY_ROWS(small_##type, few_##type, more_##type)                         \
	BY_ROWS(small_strips_##type, few_strips_##type, more_strips_##type)    \
	static void pack_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, void *strip)            \
	{                                                                      \
		pack_strip(weights, row_size, rows, k, strip, &strip_##type);  \
	}

SMALL(q4_0, Q4_0, NIBBLES_SIZE, false)
SMALL(q4_1, Q4_1, NIBBLES_SIZE, true)
SMALL(q8_0, Q8_0, BYTES_SIZE, false)

/* 64 rows of W by 24 rows of x keep y in 6 KiB. Up to `last` rows of x, so that
 * prepacked weights are faster there too. Those of Q8_0 cost more to read. */
#define ROW(TYPE, type, last, at_once)                                         \
	{                                                                      \
		.weights = QUIRE_##TYPE,                                       \
		.x = AVX512_X_INT8(TILE, QUIRE_##TYPE##_FACTOR, false),        \
		.from = 2, .to = (last), .padding = TILE - 1,                  \
		.most = IN_REGISTERS, .alone = (at_once), .nr = 64,            \
		.multiply = small_##type, .prepacked = {                       \
			.rows = ROWS,                                          \
			.cols = PAIR_COLS,                                     \
			.size = PAIR_##TYPE##_SIZE,                            \
			.pack = pack_##type,                                   \
			.multiply = small_strips_##type                        \
		}                                                              \
	}

const struct small_form quire_small_int8_avx512vnni[] = {
	ROW(Q4_0, q4_0, 24, 22),
	ROW(Q4_1, q4_1, 32, 22),
	ROW(Q8_0, q8_0, 32, QUIRE_SMALL_ROWS),
	{ 0 },
};
