/*
 * tile_int8_avxvnni.c - tiles in int8, panels of all block types, by AVX-VNNI.
 */
#include "runtime/kernels/avx2/tile_int8_avx2.h"
#include "runtime/kernels/avxvnni/dpbusd_avxvnni.h"
#include "runtime/kernels/avxvnni/geometry_avxvnni.h"

QUIRE_TILE_INT8(q4_0, &small_avxvnni, false)
QUIRE_TILE_INT8(q4_1, &small_avxvnni, true)
QUIRE_TILE_INT8(q8_0, &large_avxvnni, false)

const struct tile_form quire_tile_int8_avxvnni[] = {
	QUIRE_TILE_INT8_ROW(Q4_0, q4_0, 7),
	QUIRE_TILE_INT8_ROW(Q4_1, q4_1, 7),
	QUIRE_TILE_INT8_ROW(Q8_0, q8_0, 8),
	{ 0 },
};
