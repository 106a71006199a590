/*
 * set_avx512vnni.c - the set for AVX-512 with VNNI: int8 kernels, on the base
 * of the f32 kernels for AVX-512.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx512vnni/ops_avx512.h"
#include "runtime/sets.h"

static const struct gemv_form gemv_int8[] = {
	AVX512_GEMV_INT8(Q4_0, quire_vec_int8_q4_0_avx512vnni),
	AVX512_GEMV_INT8(Q4_1, quire_vec_int8_q4_1_avx512vnni),
	AVX512_GEMV_INT8(Q8_0, quire_vec_int8_q8_0_avx512vnni),
	{ 0 },
};

static const struct small_form small_int8[] = {
	AVX512_SMALL_INT8(Q4_0, quire_few_int8_q4_0_avx512vnni,
			  quire_pack_strip_q4_0_avx512,
			  quire_strip_int8_q4_0_avx512vnni),
	AVX512_SMALL_INT8(Q4_1, quire_few_int8_q4_1_avx512vnni,
			  quire_pack_strip_q4_1_avx512,
			  quire_strip_int8_q4_1_avx512vnni),
	AVX512_SMALL_INT8(Q8_0, quire_few_int8_q8_0_avx512vnni,
			  quire_pack_strip_q8_0_avx512,
			  quire_strip_int8_q8_0_avx512vnni),
	{ 0 },
};

#define PACK_INT8(type, panel_size, function)                                  \
	{                                                                      \
		.weights = (type), .nr = AVX512_NR, .kc = AVX512_INT8_KC,      \
		.size = (panel_size), .pack = (function)                       \
	}

static const struct pack_form pack_int8[] = {
	PACK_INT8(QUIRE_Q4_0, AVX512_INT8_PANEL_SIZE,
		  quire_pack_int8_q4_0_avx512vnni),
	PACK_INT8(QUIRE_Q4_1, AVX512_INT8_MIN_PANEL_SIZE,
		  quire_pack_int8_q4_1_avx512vnni),
	PACK_INT8(QUIRE_Q8_0, AVX512_INT8_PANEL_SIZE,
		  quire_pack_int8_q8_0_avx512vnni),
	{ 0 },
};

#define TILE_INT8(type, sum_factor, function)                                  \
	{                                                                      \
		.weights = (type),                                             \
		.x = AVX512_X_INT8(AVX512_INT8_MR, sum_factor), .from = 33,    \
		.packs = pack_int8, .multiply = (function)                     \
	}

static const struct tile_form tile_int8[] = {
	TILE_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, quire_tile_int8_avx512vnni),
	TILE_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR,
		  quire_tile_int8_min_avx512vnni),
	TILE_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, quire_tile_int8_avx512vnni),
	{ 0 },
};

const struct kernel_set quire_set_avx512vnni = {
	.name = "avx512vnni",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512F | CPU_AVX512BW |
		 CPU_AVX512VL | CPU_AVX512VNNI,
	.base = &quire_set_avx512,
	.gemv = { [COMPUTE_INT8] = gemv_int8 },
	.small = { [COMPUTE_INT8] = small_int8 },
	.tile = { [COMPUTE_INT8] = tile_int8 },
};
