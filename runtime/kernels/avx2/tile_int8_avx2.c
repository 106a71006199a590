/*
 * tile_int8_avx2.c - tiles in int8, panels of all block types, by AVX2's own
 * instructions.
 */
#include "runtime/kernels/avx2/tile_int8_avx2.h"
#include "runtime/kernels/avx2/maddubs_avx2.h"

QUIRE_TILE_INT8(q4_0, avx2, &small_avx2, false)
QUIRE_TILE_INT8(q4_1, avx2, &small_avx2, true)
QUIRE_TILE_INT8(q8_0, avx2, &large_avx2, false)
