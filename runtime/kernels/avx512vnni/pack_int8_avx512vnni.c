/*
 * pack_int8_avx512vnni.c - 32 rows of W to a panel of bytes, 4 columns of a row
 * in a lane, as VPDPBUSD takes them; all block types.
 */
#include <assert.h>

#include "runtime/kernels/avx512vnni/blocks_avx512vnni.h"
#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"

/* Stores a block of rows `first` to first + 15 in the block of the panel at
 * `panel`; returns the next one. */
QUIRE_INLINE unsigned char *store_block(unsigned char *panel, size_t first,
					const struct row_block *block,
					bool minima)
{
	float *scales = (void *)(panel + QUIRE_BLOCK_COLS * AVX512_NR);

	QUIRE_UNROLL
	for (size_t i = 0; i < 8; i++)
		_mm512_store_si512(panel + i * AVX512_NR * 4 + first * 4,
				   block->codes[i]);
	_mm512_store_ps(scales + first, block->d);
	if (!minima)
		return panel + AVX512_INT8_BLOCK_SIZE;
	_mm512_store_ps(scales + AVX512_NR + first, block->min);
	return panel + AVX512_INT8_MIN_BLOCK_SIZE;
}

QUIRE_INLINE void pack_panel(const void *weights, size_t row_size, size_t rows,
			     size_t k, void *panel,
			     const struct block_type *type)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS, run = type->run_blocks;
	const unsigned char *row[ROWS];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX512_NR; first += ROWS) {
		unsigned char *to = panel;
		struct row_block block;
		size_t b = 0;

		find_rows16(weights, row_size, rows, first, row);
		for (; blocks - b >= run; b += run) {
			__m512i dwords[MAX_DWORDS];

			QUIRE_UNROLL
			for (size_t i = 0; i < run; i++) {
				block = type->take(row, b * type->block_size,
						   dwords, i);
				to = store_block(to, first, &block,
						 type->minima);
			}
		}
		for (; b < blocks; b++) {
			block = type->load(row, b * type->block_size);
			to = store_block(to, first, &block, type->minima);
		}
	}
}

#define PACK(type)                                                             \
	static void pack_##type(const void *weights, size_t row_size,          \
				size_t rows, size_t k, void *panel)            \
	{                                                                      \
		pack_panel(weights, row_size, rows, k, panel, &blocks_##type); \
	}

PACK(q4_0)
PACK(q4_1)
PACK(q8_0)

#define ROW(TYPE, type, block_size)                                            \
	{                                                                      \
		.weights = QUIRE_##TYPE, .nr = AVX512_NR,                      \
		.kc = AVX512_INT8_KC,                                          \
		.size = AVX512_INT8_KC / QUIRE_BLOCK_COLS * (block_size),      \
		.pack = pack_##type                                            \
	}

const struct pack_form quire_pack_int8_avx512vnni[] = {
	ROW(Q4_0, q4_0, AVX512_INT8_BLOCK_SIZE),
	ROW(Q4_1, q4_1, AVX512_INT8_MIN_BLOCK_SIZE),
	ROW(Q8_0, q8_0, AVX512_INT8_BLOCK_SIZE),
	{ 0 },
};
