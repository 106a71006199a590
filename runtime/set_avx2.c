/*
 * set_avx2.c - the set for AVX2, FMA and F16C: what each kernel has, and
 * its geometry.
 */
#include "machine/cpu.h"
#include "runtime/kernels/kernels_avx2.h"
#include "runtime/kernels/kernels_scalar.h"
#include "runtime/kernels/quantize.h"
#include "runtime/sets.h"

#define VEC_F32(function)                                                      \
	{                                                                      \
		.x = { .rows = 1,                                              \
		       .group = QUIRE_BLOCK_COLS,                              \
		       .size = QUIRE_BLOCK_COLS * sizeof(float),               \
		       .prepare = quire_prepare_f32_scalar },                  \
		.multiply = (function)                                         \
	}

#define PANEL_F32(function)                                                    \
	{                                                                      \
		.x = { .rows = AVX2_F32_MR,                                    \
		       .group = AVX2_F32_KC,                                   \
		       .size = AVX2_F32_MR * AVX2_F32_KC * sizeof(float),      \
		       .prepare = quire_prepare_f32_scalar },                  \
		.nr = AVX2_NR, .kc = AVX2_F32_KC, .size = AVX2_F32_PANEL_SIZE, \
		.pack = (function), .multiply = quire_tile_f32_avx2            \
	}

#define VEC_INT8(function, x_factor)                                           \
	{                                                                      \
		.x = { .rows = 1,                                              \
		       .group = AVX2_VEC_INT8_BLOCKS * QUIRE_BLOCK_COLS,       \
		       .size = AVX2_VEC_INT8_SIZE,                             \
		       .factor = (x_factor),                                   \
		       .prepare = quire_prepare_vec_int8_avx2 },               \
		.multiply = (function)                                         \
	}

#define PANEL_INT8(packs, tile, panel_size, x_factor)                          \
	{                                                                      \
		.x = { .rows = AVX2_INT8_MR,                                   \
		       .group = QUIRE_BLOCK_COLS,                              \
		       .size = QUIRE_INT8_SIZE(AVX2_INT8_MR),                  \
		       .factor = (x_factor),                                   \
		       .prepare = quire_prepare_int8_avx2 },                   \
		.nr = AVX2_NR, .kc = AVX2_INT8_KC, .size = (panel_size),       \
		.pack = (packs), .multiply = (tile)                            \
	}

const struct kernel_set quire_set_avx2 = {
	.name = "avx2",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C,
	.from_f16 = quire_from_f16_avx2,
	.to_f16 = quire_to_f16_avx2,
	.ops = {
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_F32,
			.panel_from = 4,
			.vec = VEC_F32(quire_vec_f32_q4_0_avx2),
			.panel = PANEL_F32(quire_pack_f32_q4_0_avx2),
		},
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_INT8,
			.panel_from = 3,
			.vec = VEC_INT8(quire_vec_int8_q4_0_avx2, QUIRE_Q4_0_FACTOR),
			.panel = PANEL_INT8(quire_pack_int8_q4_0_avx2, quire_tile_int8_q4_0_avx2, AVX2_INT8_PANEL_SIZE, QUIRE_Q4_0_FACTOR),
		},
		{
			.weights = QUIRE_Q4_1,
			.compute = COMPUTE_F32,
			.panel_from = 4,
			.vec = VEC_F32(quire_vec_f32_q4_1_avx2),
			.panel = PANEL_F32(quire_pack_f32_q4_1_avx2),
		},
		{
			.weights = QUIRE_Q4_1,
			.compute = COMPUTE_INT8,
			.panel_from = 3,
			.vec = VEC_INT8(quire_vec_int8_q4_1_avx2, QUIRE_Q4_1_FACTOR),
			.panel = PANEL_INT8(quire_pack_int8_q4_1_avx2, quire_tile_int8_q4_1_avx2, AVX2_INT8_MIN_PANEL_SIZE, QUIRE_Q4_1_FACTOR),
		},
		{
			.weights = QUIRE_Q8_0,
			.compute = COMPUTE_F32,
			.panel_from = 4,
			.vec = VEC_F32(quire_vec_f32_q8_0_avx2),
			.panel = PANEL_F32(quire_pack_f32_q8_0_avx2),
		},
		{
			.weights = QUIRE_Q8_0,
			.compute = COMPUTE_INT8,
			.panel_from = 3,
			.vec = VEC_INT8(quire_vec_int8_q8_0_avx2, QUIRE_Q8_0_FACTOR),
			.panel = PANEL_INT8(quire_pack_int8_q8_0_avx2, quire_tile_int8_q8_0_avx2, AVX2_INT8_PANEL_SIZE, QUIRE_Q8_0_FACTOR),
		},
		{
			.weights = QUIRE_F16,
			.compute = COMPUTE_F32,
			.panel_from = 4,
			.vec = VEC_F32(quire_vec_f32_f16_avx2),
			.panel = PANEL_F32(quire_pack_f32_f16_avx2),
		},
		{
			.weights = QUIRE_BF16,
			.compute = COMPUTE_F32,
			.panel_from = 4,
			.vec = VEC_F32(quire_vec_f32_bf16_avx2),
			.panel = PANEL_F32(quire_pack_f32_bf16_avx2),
		},
		{
			.weights = QUIRE_F32,
			.compute = COMPUTE_F32,
			.panel_from = 4,
			.vec = VEC_F32(quire_vec_f32_f32_avx2),
			.panel = PANEL_F32(quire_pack_f32_f32_avx2),
		},
	},
};
