/*
 * tile_int8_avx2.c - tiles in int8, panels of all block types, by AVX2's own
 * instructions.
 */
#include "runtime/kernels/avx2/tile_int8_avx2.h"
#include "runtime/kernels/avx2/maddubs_avx2.h"

QUIRE_TILE_INT8(q4_0, &small_avx2, false)
QUIRE_TILE_INT8(q4_1, &small_avx2, true)
QUIRE_TILE_INT8(q8_0, &large_avx2, false)

const struct tile_form quire_tile_int8_avx2[] = {
	QUIRE_TILE_INT8_ROW(Q4_0, q4_0, 7),
	QUIRE_TILE_INT8_ROW(Q4_1, q4_1, 7),
	QUIRE_TILE_INT8_ROW(Q8_0, q8_0, 9),
	{ 0 },
};
