/*
 * set_neon.c - the set for every arm64 CPU. It has no packed form for int8, so
 * that many rows of x are multiplied one by one.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/ops_neon.h"
#include "runtime/sets.h"

#define GEMV_F32(type, function)                                               \
	{                                                                      \
		.weights = (type), .x = QUIRE_X_F32_ROW,                       \
		.multiply = (function)                                         \
	}

static const struct gemv_form gemv_f32[] = {
	GEMV_F32(QUIRE_Q4_0, quire_vec_f32_q4_0_neon),
	GEMV_F32(QUIRE_Q4_1, quire_vec_f32_q4_1_neon),
	GEMV_F32(QUIRE_Q8_0, quire_vec_f32_q8_0_neon),
	GEMV_F32(QUIRE_F16, quire_vec_f32_f16_neon),
	GEMV_F32(QUIRE_BF16, quire_vec_f32_bf16_neon),
	GEMV_F32(QUIRE_F32, quire_vec_f32_f32_neon),
	{ 0 },
};

static const struct gemv_form gemv_int8[] = {
	NEON_GEMV_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, quire_vec_int8_q4_0_neon),
	NEON_GEMV_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, quire_vec_int8_q4_1_neon),
	NEON_GEMV_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, quire_vec_int8_q8_0_neon),
	{ 0 },
};

#define PACK_F32(type, function)                                               \
	{                                                                      \
		.weights = (type), .nr = NEON_NR, .kc = NEON_F32_KC,           \
		.size = NEON_F32_PANEL_SIZE, .pack = (function)                \
	}

static const struct pack_form pack_f32[] = {
	PACK_F32(QUIRE_Q4_0, quire_pack_f32_q4_0_neon),
	PACK_F32(QUIRE_Q4_1, quire_pack_f32_q4_1_neon),
	PACK_F32(QUIRE_Q8_0, quire_pack_f32_q8_0_neon),
	PACK_F32(QUIRE_F16, quire_pack_f32_f16_neon),
	PACK_F32(QUIRE_BF16, quire_pack_f32_bf16_neon),
	PACK_F32(QUIRE_F32, quire_pack_f32_f32_neon),
	{ 0 },
};

#define TILE_F32(type)                                                         \
	{                                                                      \
		.weights = (type),                                             \
		.x = { .rows = NEON_F32_MR,                                    \
		       .group = NEON_F32_KC,                                   \
		       .size = NEON_F32_MR * NEON_F32_KC * sizeof(float),      \
		       .prepare = quire_prepare_f32_scalar },                  \
		.from = 4, .packs = pack_f32, .multiply = quire_tile_f32_neon  \
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

const struct kernel_set quire_set_neon = {
	.name = "neon",
	.needs = CPU_NEON,
	.base = &quire_set_scalar,
	.from_f16 = quire_from_f16_neon,
	.to_f16 = quire_to_f16_neon,
	.gemv = { gemv_f32, gemv_int8 },
	.tile = { [COMPUTE_F32] = tile_f32 },
};
