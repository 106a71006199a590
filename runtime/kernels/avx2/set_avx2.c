/*
 * set_avx2.c - the set for AVX2, FMA and F16C.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx2/ops_avx2.h"
#include "runtime/sets.h"

#define GEMV_F32(type, function)                                               \
	{                                                                      \
		.weights = (type), .x = QUIRE_X_F32_ROW,                       \
		.multiply = (function)                                         \
	}

static const struct gemv_form gemv_f32[] = {
	GEMV_F32(QUIRE_Q4_0, quire_vec_f32_q4_0_avx2),
	GEMV_F32(QUIRE_Q4_1, quire_vec_f32_q4_1_avx2),
	GEMV_F32(QUIRE_Q8_0, quire_vec_f32_q8_0_avx2),
	GEMV_F32(QUIRE_F16, quire_vec_f32_f16_avx2),
	GEMV_F32(QUIRE_BF16, quire_vec_f32_bf16_avx2),
	GEMV_F32(QUIRE_F32, quire_vec_f32_f32_avx2),
	{ 0 },
};

static const struct gemv_form gemv_int8[] = {
	AVX2_GEMV_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, quire_vec_int8_q4_0_avx2),
	AVX2_GEMV_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, quire_vec_int8_q4_1_avx2),
	AVX2_GEMV_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, quire_vec_int8_q8_0_avx2),
	{ 0 },
};

/* x in tiles of `mr` rows. */
#define SMALL_F32(type, mr, first, last, function)                             \
	{                                                                      \
		.weights = (type),                                             \
		.x = { .rows = (mr),                                           \
		       .group = AVX2_FEW_F32_LANES / (mr),                     \
		       .size = AVX2_FEW_F32_LANES * sizeof(float),             \
		       .prepare = quire_prepare_columns_f32_scalar },          \
		.from = (first), .most = (last), .nr = AVX2_FEW_F32_NR,        \
		.multiply = (function)                                         \
	}

/* GEMV is as fast for two rows of x by Q8_0, and for three by plain weights. */
static const struct small_form small_f32[] = {
	SMALL_F32(QUIRE_Q4_0, 2, 2, 2, quire_few2_f32_q4_0_avx2),
	SMALL_F32(QUIRE_Q4_0, 4, 3, 4, quire_few4_f32_q4_0_avx2),
	SMALL_F32(QUIRE_Q4_0, 8, 5, AVX2_FEW_F32_MOST,
		  quire_few8_f32_q4_0_avx2),
	SMALL_F32(QUIRE_Q4_1, 2, 2, 2, quire_few2_f32_q4_1_avx2),
	SMALL_F32(QUIRE_Q4_1, 4, 3, 4, quire_few4_f32_q4_1_avx2),
	SMALL_F32(QUIRE_Q4_1, 8, 5, AVX2_FEW_F32_MOST,
		  quire_few8_f32_q4_1_avx2),
	SMALL_F32(QUIRE_Q8_0, 4, 3, 4, quire_few4_f32_q8_0_avx2),
	SMALL_F32(QUIRE_Q8_0, 8, 5, AVX2_FEW_F32_MOST,
		  quire_few8_f32_q8_0_avx2),
	SMALL_F32(QUIRE_F16, 4, 4, 4, quire_few4_f32_f16_avx2),
	SMALL_F32(QUIRE_F16, 8, 5, AVX2_FEW_F32_MOST, quire_few8_f32_f16_avx2),
	SMALL_F32(QUIRE_BF16, 4, 4, 4, quire_few4_f32_bf16_avx2),
	SMALL_F32(QUIRE_BF16, 8, 5, AVX2_FEW_F32_MOST,
		  quire_few8_f32_bf16_avx2),
	SMALL_F32(QUIRE_F32, 4, 4, 4, quire_few4_f32_f32_avx2),
	SMALL_F32(QUIRE_F32, 8, 5, AVX2_FEW_F32_MOST, quire_few8_f32_f32_avx2),
	{ 0 },
};

static const struct small_form small_int8[] = {
	AVX2_SMALL_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR,
			quire_few_int8_q4_0_avx2),
	AVX2_SMALL_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR,
			quire_few_int8_q4_1_avx2),
	AVX2_SMALL_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR,
			quire_few_int8_q8_0_avx2),
	{ 0 },
};

#define PACK_F32(type, function)                                               \
	{                                                                      \
		.weights = (type), .nr = AVX2_NR, .kc = AVX2_F32_KC,           \
		.size = AVX2_F32_PANEL_SIZE, .pack = (function)                \
	}

static const struct pack_form pack_f32[] = {
	PACK_F32(QUIRE_Q4_0, quire_pack_f32_q4_0_avx2),
	PACK_F32(QUIRE_Q4_1, quire_pack_f32_q4_1_avx2),
	PACK_F32(QUIRE_Q8_0, quire_pack_f32_q8_0_avx2),
	PACK_F32(QUIRE_F16, quire_pack_f32_f16_avx2),
	PACK_F32(QUIRE_BF16, quire_pack_f32_bf16_avx2),
	PACK_F32(QUIRE_F32, quire_pack_f32_f32_avx2),
	{ 0 },
};

#define PACK_INT8(type, panel_size, function)                                  \
	{                                                                      \
		.weights = (type), .nr = AVX2_NR, .kc = AVX2_INT8_KC,          \
		.size = (panel_size), .pack = (function)                       \
	}

const struct pack_form quire_pack_int8_avx2[] = {
	PACK_INT8(QUIRE_Q4_0, AVX2_INT8_PANEL_SIZE, quire_pack_int8_q4_0_avx2),
	PACK_INT8(QUIRE_Q4_1, AVX2_INT8_MIN_PANEL_SIZE,
		  quire_pack_int8_q4_1_avx2),
	PACK_INT8(QUIRE_Q8_0, AVX2_INT8_PANEL_SIZE, quire_pack_int8_q8_0_avx2),
	{ 0 },
};

#define TILE_F32(type)                                                         \
	{                                                                      \
		.weights = (type),                                             \
		.x = { .rows = AVX2_F32_MR,                                    \
		       .group = AVX2_F32_KC,                                   \
		       .size = AVX2_F32_MR * AVX2_F32_KC * sizeof(float),      \
		       .prepare = quire_prepare_f32_scalar },                  \
		.from = 5, .packs = pack_f32, .multiply = quire_tile_f32_avx2  \
	}

static const struct tile_form tile_f32[] = {
	TILE_F32(QUIRE_Q4_0),
	TILE_F32(QUIRE_Q4_1),
	TILE_F32(QUIRE_Q8_0),
	TILE_F32(QUIRE_F16),
	TILE_F32(QUIRE_BF16),
	TILE_F32(QUIRE_F32),
	{ 0 },
};

static const struct tile_form tile_int8[] = {
	AVX2_TILE_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR,
		       quire_tile_int8_q4_0_avx2),
	AVX2_TILE_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR,
		       quire_tile_int8_q4_1_avx2),
	AVX2_TILE_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR,
		       quire_tile_int8_q8_0_avx2),
	{ 0 },
};

const struct kernel_set quire_set_avx2 = {
	.name = "avx2",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C,
	.base = &quire_set_scalar,
	.from_f16 = quire_from_f16_avx2,
	.to_f16 = quire_to_f16_avx2,
	.gemv = { gemv_f32, gemv_int8 },
	.small = { small_f32, small_int8 },
	.tile = { tile_f32, tile_int8 },
};
