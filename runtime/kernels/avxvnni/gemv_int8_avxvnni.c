/*
 * gemv_int8_avxvnni.c - GEMV and small-batch GEMM in int8, all block types, by
 * AVX-VNNI.
 */
#include "runtime/kernels/avx2/gemv_int8_avx2.h"
#include "runtime/kernels/avxvnni/dpbusd_avxvnni.h"
#include "runtime/kernels/avxvnni/geometry_avxvnni.h"

QUIRE_GEMV_AND_SMALL_INT8(q4_0, &small_avxvnni)
QUIRE_GEMV_AND_SMALL_INT8(q4_1, &small_avxvnni)
QUIRE_GEMV_AND_SMALL_INT8(q8_0, &large_avxvnni)

const struct gemv_form quire_gemv_int8_avxvnni[] = {
	QUIRE_GEMV_INT8_ROW(Q4_0, q4_0),
	QUIRE_GEMV_INT8_ROW(Q4_1, q4_1),
	QUIRE_GEMV_INT8_ROW(Q8_0, q8_0),
	{ 0 },
};

const struct small_form quire_small_int8_avxvnni[] = {
	QUIRE_SMALL_INT8_ROW(Q4_0, q4_0, 6),
	QUIRE_SMALL_INT8_ROW(Q4_1, q4_1, 6),
	QUIRE_SMALL_INT8_ROW(Q8_0, q8_0, 7),
	{ 0 },
};
