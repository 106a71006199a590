/*
 * pack_int8_avx2.c - 16 rows of W to a panel of bytes, 4 columns of a row in a
 * lane, all block types. 8 rows at a time are the 8 lanes of a vector.
 */
#include <assert.h>

#include "runtime/kernels/avx2/geometry_avx2.h"
#include "runtime/kernels/avx2/vectors_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* A type of weights: a constant, so that its functions are inlined. pack_codes
 * stores a block of 8 rows as codes [8][16][4] of the panel. */
struct pack_type {
	size_t size, codes; /* of a block; where its codes begin */
	bool minima;
	void (*pack_codes)(const unsigned char *const row[8], size_t offset,
			   unsigned char *codes);
};

static inline void pack_nibbles(const unsigned char *const row[8],
				size_t offset, unsigned char *codes)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	__m256i bytes[4];

	load_transposed8(row, offset, bytes);
	for (size_t i = 0; i < 4; i++) {
		const __m256i high = _mm256_srli_epi16(bytes[i], 4);

		_mm256_store_si256((void *)(codes + i * AVX2_NR * 4),
				   _mm256_and_si256(bytes[i], nibble));
		_mm256_store_si256((void *)(codes + (i + 4) * AVX2_NR * 4),
				   _mm256_and_si256(high, nibble));
	}
}

/* Half a block: 16 columns. */
static inline void pack_half(const unsigned char *const row[8], size_t offset,
			     unsigned char *codes)
{
	__m256i bytes[4];

	load_transposed8(row, offset, bytes);
	for (size_t i = 0; i < 4; i++)
		_mm256_store_si256((void *)(codes + i * AVX2_NR * 4), bytes[i]);
}

static inline void pack_bytes(const unsigned char *const row[8], size_t offset,
			      unsigned char *codes)
{
	pack_half(row, offset, codes);
	pack_half(row, offset + 16, codes + (size_t)4 * AVX2_NR * 4);
}

/* A block of 8 rows: its codes, and its scales, which minima follow. */
QUIRE_INLINE void pack_block(const unsigned char *const row[8], size_t offset,
			     unsigned char *codes, float *scales,
			     const struct pack_type *type)
{
	_mm256_store_ps(scales, load_f16_8(row, offset));
	if (type->minima)
		_mm256_store_ps(scales + AVX2_NR,
				load_f16_8(row, offset + QUIRE_Q4_1_MIN));
	type->pack_codes(row, offset + type->codes, codes);
}

QUIRE_INLINE void pack_panel(const void *weights, size_t row_size, size_t rows,
			     size_t k, void *panel,
			     const struct pack_type *type)
{
	const unsigned char *row[8];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX2_NR; first += 8) {
		unsigned char *block = panel;

		find_rows8(weights, row_size, rows, first, row);
		for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++) {
			unsigned char *scales =
			    block + QUIRE_BLOCK_COLS * AVX2_NR;

			pack_block(row, b * type->size, block + 4 * first,
				   (float *)(void *)scales + first, type);
			block += type->minima ? AVX2_INT8_MIN_BLOCK_SIZE
					      : AVX2_INT8_BLOCK_SIZE;
		}
	}
}

#define PACK(type, TYPE, has_minima, pack)                                     \
	static void pack_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, void *panel)            \
	{                                                                      \
		static const struct pack_type pack_type = {                    \
			.size = QUIRE_##TYPE##_SIZE,                           \
			.codes = QUIRE_##TYPE##_CODES,                         \
			.minima = (has_minima),                                \
			.pack_codes = (pack),                                  \
		};                                                             \
                                                                               \
		pack_panel(weights, row_size, rows, k, panel, &pack_type);     \
	}

PACK(q4_0, Q4_0, false, pack_nibbles)
PACK(q4_1, Q4_1, true, pack_nibbles)
PACK(q8_0, Q8_0, false, pack_bytes)

#define ROW(TYPE, type, block_size)                                            \
	{                                                                      \
		.weights = QUIRE_##TYPE, .nr = AVX2_NR, .kc = AVX2_INT8_KC,    \
		.size = AVX2_INT8_KC / QUIRE_BLOCK_COLS * (block_size),        \
		.pack = pack_##type                                            \
	}

const struct pack_form quire_pack_int8_avx2[] = {
	ROW(Q4_0, q4_0, AVX2_INT8_BLOCK_SIZE),
	ROW(Q4_1, q4_1, AVX2_INT8_MIN_BLOCK_SIZE),
	ROW(Q8_0, q8_0, AVX2_INT8_BLOCK_SIZE),
	{ 0 },
};
