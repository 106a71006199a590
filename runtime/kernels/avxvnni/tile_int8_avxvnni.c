/*
 * tile_int8_avxvnni.c - tiles in int8, panels of all block types, by AVX-VNNI.
 */
#include "runtime/kernels/avx2/tile_int8_avx2.h"
#include "runtime/kernels/avxvnni/dpbusd_avxvnni.h"
#include "runtime/kernels/avxvnni/kernels_avxvnni.h"

QUIRE_TILE_INT8(q4_0, avxvnni, &small_avxvnni, false)
QUIRE_TILE_INT8(q4_1, avxvnni, &small_avxvnni, true)
QUIRE_TILE_INT8(q8_0, avxvnni, &large_avxvnni, false)
