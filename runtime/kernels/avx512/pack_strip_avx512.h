/*
 * pack_strip_avx512.h - 16 rows of weights to a strip: what the kernels of all
 * types of weights share. strip_int8_avx512vnni.h says how a strip lies.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_PACK_STRIP_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_PACK_STRIP_AVX512_H

#ifndef __AVX512F__
#error "compile with -mavx512f"
#endif

#include <assert.h>
#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/rows_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* A block of each row, at `offset`, to its place in the pair. */
typedef void (*pack_block_fn)(const unsigned char *const row[16], size_t offset,
			      unsigned char *pair, size_t second);

/* The f16 at `offset` of each row. */
QUIRE_INLINE void store_f16_16(const unsigned char *const row[16],
			       size_t offset, unsigned char *out)
{
	for (size_t i = 0; i < 16; i++)
		memcpy(out + i * 2, row[i] + offset, 2);
}

QUIRE_INLINE void pack_strip(const void *weights, size_t row_size, size_t rows,
			     size_t k, unsigned char *strip, size_t block_size,
			     size_t pair_size, pack_block_fn pack)
{
	const unsigned char *row[16];

	assert(k % QUIRE_BLOCK_COLS == 0);
	find_rows16(weights, row_size, rows, 0, row);
	for (size_t b = 0; b < k / QUIRE_BLOCK_COLS; b++)
		pack(row, b * block_size, strip + b / 2 * pair_size, b % 2);
}

#endif
