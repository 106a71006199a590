/*
 * gemv_int8_avx2.c - GEMV and small-batch GEMM in int8, all block types, by
 * AVX2's own instructions.
 */
#include "runtime/kernels/avx2/gemv_int8_avx2.h"
#include "runtime/kernels/avx2/maddubs_avx2.h"

QUIRE_GEMV_AND_SMALL_INT8(q4_0, avx2, &small_avx2)
QUIRE_GEMV_AND_SMALL_INT8(q4_1, avx2, &small_avx2)
QUIRE_GEMV_AND_SMALL_INT8(q8_0, avx2, &large_avx2)
