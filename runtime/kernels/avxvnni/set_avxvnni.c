/*
 * set_avxvnni.c - the set for AVX-VNNI: int8 kernels that read AVX2's panels,
 * on the base of AVX2.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx2/ops_avx2.h"
#include "runtime/kernels/avxvnni/kernels_avxvnni.h"
#include "runtime/sets.h"

static const struct gemv_form gemv_int8[] = {
	AVX2_GEMV_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR,
		       quire_vec_int8_q4_0_avxvnni),
	AVX2_GEMV_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR,
		       quire_vec_int8_q4_1_avxvnni),
	AVX2_GEMV_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR,
		       quire_vec_int8_q8_0_avxvnni),
	{ 0 },
};

static const struct small_form small_int8[] = {
	AVX2_SMALL_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR,
			quire_few_int8_q4_0_avxvnni),
	AVX2_SMALL_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR,
			quire_few_int8_q4_1_avxvnni),
	AVX2_SMALL_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR,
			quire_few_int8_q8_0_avxvnni),
	{ 0 },
};

static const struct tile_form tile_int8[] = {
	AVX2_TILE_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR,
		       quire_tile_int8_q4_0_avxvnni),
	AVX2_TILE_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR,
		       quire_tile_int8_q4_1_avxvnni),
	AVX2_TILE_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR,
		       quire_tile_int8_q8_0_avxvnni),
	{ 0 },
};

const struct kernel_set quire_set_avxvnni = {
	.name = "avxvnni",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX_VNNI,
	.base = &quire_set_avx2,
	.gemv = { [COMPUTE_INT8] = gemv_int8 },
	.small = { [COMPUTE_INT8] = small_int8 },
	.tile = { [COMPUTE_INT8] = tile_int8 },
};
