/*
 * pack_int8_avx512vnni.h - rows of W to a panel of bytes, 4 columns of a row to
 * a lane, as the dot product instruction takes them: what the kernels of all
 * types of weights share. Blocks are read as the few form reads them.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_PACK_INT8_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_PACK_INT8_AVX512VNNI_H

#include <assert.h>

#include "runtime/kernels/avx512vnni/few_int8_avx512vnni.h"

/* A block of 16 rows, of which `first` is the first, to its place in a block of
 * the panel; gives back the next one. */
QUIRE_INLINE unsigned char *store_block(unsigned char *panel, size_t first,
					const struct strip_block *block,
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
			     const struct strip_type *type)
{
	const size_t blocks = k / QUIRE_BLOCK_COLS, run = type->run_blocks;
	const unsigned char *row[STRIP];

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t first = 0; first < AVX512_NR; first += STRIP) {
		unsigned char *to = panel;
		struct strip_block block;
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

#endif
