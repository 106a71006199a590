/*
 * gemv_int8_avxvnni.c - GEMV and small-batch GEMM in int8, all block types, by
 * AVX-VNNI.
 */
#include "runtime/kernels/avx2/gemv_int8_avx2.h"
#include "runtime/kernels/avxvnni/dpbusd_avxvnni.h"
#include "runtime/kernels/avxvnni/kernels_avxvnni.h"

QUIRE_GEMV_AND_SMALL_INT8(q4_0, avxvnni, &small_avxvnni)
QUIRE_GEMV_AND_SMALL_INT8(q4_1, avxvnni, &small_avxvnni)
QUIRE_GEMV_AND_SMALL_INT8(q8_0, avxvnni, &large_avxvnni)
