/*
 * set_avx512.c - the f32 kernels for AVX-512 with F, BW and VL. The set is a
 * base only: it was not measured on a CPU without VNNI, so it is not one of
 * those to choose from.
 */
#include "base/cpu.h"
#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/scalar/kernels_scalar.h"
#include "runtime/sets.h"

/* For weights whose codes come out of a register four blocks at a time. */
#define X_F32_NIBBLES                                                          \
	{                                                                      \
		.rows = 1, .group = AVX512_VEC_F32_COLS,                       \
		.size = AVX512_VEC_F32_SIZE,                                   \
		.prepare = quire_prepare_vec_f32_avx512                        \
	}

#define GEMV_F32(type, function)                                               \
	{                                                                      \
		.weights = (type), .x = QUIRE_X_F32_ROW,                       \
		.multiply = (function)                                         \
	}

#define GEMV_NIBBLES(type, function)                                           \
	{                                                                      \
		.weights = (type), .x = X_F32_NIBBLES, .nr = AVX512_VEC_NR,    \
		.multiply = (function)                                         \
	}

static const struct gemv_form gemv_f32[] = {
	GEMV_NIBBLES(QUIRE_Q4_0, quire_vec_f32_q4_0_avx512),
	GEMV_NIBBLES(QUIRE_Q4_1, quire_vec_f32_q4_1_avx512),
	GEMV_F32(QUIRE_Q8_0, quire_vec_f32_q8_0_avx512),
	GEMV_F32(QUIRE_F16, quire_vec_f32_f16_avx512),
	GEMV_F32(QUIRE_BF16, quire_vec_f32_bf16_avx512),
	GEMV_F32(QUIRE_F32, quire_vec_f32_f32_avx512),
	{ 0 },
};

/* Up to 8 rows of x, by lanes that are columns. */
#define SMALL_COLUMNS(type, x_form, function)                                  \
	{                                                                      \
		.weights = (type), .x = x_form, .from = 2,                     \
		.most = AVX512_FEW_CODES_MOST, .nr = AVX512_FEW_F32_NR,        \
		.multiply = (function)                                         \
	}

/* x in tiles of `mr` rows. */
#define SMALL_F32(type, mr, first, last, function)                             \
	{                                                                      \
		.weights = (type),                                             \
		.x = { .rows = (mr),                                           \
		       .group = AVX512_FEW_F32_LANES / (mr),                   \
		       .size = AVX512_FEW_F32_LANES * sizeof(float),           \
		       .prepare = quire_prepare_columns_f32_scalar },          \
		.from = (first), .most = (last), .nr = AVX512_FEW_F32_NR,      \
		.multiply = (function)                                         \
	}

/* GEMV is as fast for up to 4 rows of x by weights of 32 bits, and for 2 by
 * those of 16 bits. */
static const struct small_form small_f32[] = {
	SMALL_COLUMNS(QUIRE_Q4_0, X_F32_NIBBLES,
		      quire_few_codes_f32_q4_0_avx512),
	SMALL_F32(QUIRE_Q4_0, 16, 9, AVX512_FEW_F32_MOST,
		  quire_few16_f32_q4_0_avx512),
	SMALL_COLUMNS(QUIRE_Q4_1, X_F32_NIBBLES,
		      quire_few_codes_f32_q4_1_avx512),
	SMALL_F32(QUIRE_Q4_1, 16, 9, AVX512_FEW_F32_MOST,
		  quire_few16_f32_q4_1_avx512),
	SMALL_COLUMNS(QUIRE_Q8_0, QUIRE_X_F32_ROW,
		      quire_few_codes_f32_q8_0_avx512),
	SMALL_F32(QUIRE_Q8_0, 16, 9, AVX512_FEW_F32_MOST,
		  quire_few16_f32_q8_0_avx512),
	SMALL_F32(QUIRE_F16, 4, 3, 4, quire_few4_f32_f16_avx512),
	SMALL_F32(QUIRE_F16, 8, 5, 8, quire_few8_f32_f16_avx512),
	SMALL_F32(QUIRE_F16, 16, 9, AVX512_FEW_F32_MOST,
		  quire_few16_f32_f16_avx512),
	SMALL_F32(QUIRE_BF16, 4, 3, 4, quire_few4_f32_bf16_avx512),
	SMALL_F32(QUIRE_BF16, 8, 5, 8, quire_few8_f32_bf16_avx512),
	SMALL_F32(QUIRE_BF16, 16, 9, AVX512_FEW_F32_MOST,
		  quire_few16_f32_bf16_avx512),
	SMALL_F32(QUIRE_F32, 8, 5, 8, quire_few8_f32_f32_avx512),
	SMALL_F32(QUIRE_F32, 16, 9, AVX512_FEW_F32_MOST,
		  quire_few16_f32_f32_avx512),
	{ 0 },
};

#define PACK_F32(type, function)                                               \
	{                                                                      \
		.weights = (type), .nr = AVX512_F32_NR, .kc = AVX512_F32_KC,   \
		.size = AVX512_F32_PANEL_SIZE, .pack = (function)              \
	}

static const struct pack_form pack_f32[] = {
	PACK_F32(QUIRE_Q4_0, quire_pack_f32_q4_0_avx512),
	PACK_F32(QUIRE_Q4_1, quire_pack_f32_q4_1_avx512),
	PACK_F32(QUIRE_Q8_0, quire_pack_f32_q8_0_avx512),
	PACK_F32(QUIRE_F16, quire_pack_f32_f16_avx512),
	PACK_F32(QUIRE_BF16, quire_pack_f32_bf16_avx512),
	PACK_F32(QUIRE_F32, quire_pack_f32_f32_avx512),
	{ 0 },
};

#define TILE_F32(type)                                                         \
	{                                                                      \
		.weights = (type),                                             \
		.x = { .rows = AVX512_F32_MR,                                  \
		       .group = AVX512_F32_GROUP,                              \
		       .size =                                                 \
			   AVX512_F32_MR * AVX512_F32_GROUP * sizeof(float),   \
		       .prepare = quire_prepare_f32_scalar },                  \
		.from = 5, .packs = pack_f32,                                  \
		.multiply = quire_tile_f32_avx512                              \
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

const struct kernel_set quire_set_avx512 = {
	.name = "avx512",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512F | CPU_AVX512BW |
		 CPU_AVX512VL,
	.base = &quire_set_avx2,
	.from_f16 = quire_from_f16_avx512,
	.to_f16 = quire_to_f16_avx512,
	.gemv = { [COMPUTE_F32] = gemv_f32 },
	.small = { [COMPUTE_F32] = small_f32 },
	.tile = { [COMPUTE_F32] = tile_f32 },
};
