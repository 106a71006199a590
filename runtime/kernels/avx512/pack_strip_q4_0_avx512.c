/*
 * pack_strip_q4_0_avx512.c - rows of Q4_0 to a strip: two codes a byte, 4 bytes
 * of a row to a lane.
 */
#include "runtime/kernels/avx512/pack_strip_avx512.h"

QUIRE_INLINE void pack_block(const unsigned char *const row[16], size_t offset,
			     unsigned char *pair, size_t second)
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

void quire_pack_strip_q4_0_avx512(const void *weights, size_t row_size,
				  size_t rows, size_t k, void *strip)
{
	pack_strip(weights, row_size, rows, k, strip, QUIRE_Q4_0_SIZE,
		   AVX512_STRIP_Q4_0_SIZE, pack_block);
}
