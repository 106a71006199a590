/*
 * set_avx512vnni.c - the set for AVX-512 with VNNI: what each kernel has, and
 * its geometry.
 */
#include "machine/cpu.h"
#include "runtime/kernels/kernels_avx512.h"
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

/* For weights whose codes come out of a register four blocks at a time. */
#define VEC_F32_CODES(function)                                                \
	{                                                                      \
		.x = { .rows = 1,                                              \
		       .group = AVX512_VEC_F32_COLS,                           \
		       .size = AVX512_VEC_F32_SIZE,                            \
		       .prepare = quire_prepare_vec_f32_avx512 },              \
		.nr = AVX512_VEC_NR, .multiply = (function)                    \
	}

#define PANEL_F32(function)                                                    \
	{                                                                      \
		.x = { .rows = AVX512_F32_MR,                                  \
		       .group = AVX512_F32_GROUP,                              \
		       .size =                                                 \
			   AVX512_F32_MR * AVX512_F32_GROUP * sizeof(float),   \
		       .prepare = quire_prepare_f32_scalar },                  \
		.nr = AVX512_F32_NR, .kc = AVX512_F32_KC,                      \
		.size = AVX512_F32_PANEL_SIZE, .pack = (function),             \
		.multiply = quire_tile_f32_avx512                              \
	}

#define VEC_INT8(function, x_factor)                                           \
	{                                                                      \
		.x = { .rows = 1,                                              \
		       .group = AVX512_VEC_INT8_COLS,                          \
		       .size = AVX512_VEC_INT8_SIZE,                           \
		       .factor = (x_factor),                                   \
		       .prepare = quire_prepare_vec_int8_avx512vnni },         \
		.nr = AVX512_VEC_NR, .multiply = (function)                    \
	}

/* Quantized x in tiles of `mr` rows. */
#define X_INT8(mr, x_factor)                                                   \
	{                                                                      \
		.rows = (mr), .group = QUIRE_BLOCK_COLS,                       \
		.size = QUIRE_INT8_SIZE(mr), .factor = (x_factor),             \
		.prepare = quire_prepare_int8_avx512vnni                       \
	}

#define FEW_INT8(function, x_factor)                                           \
	{                                                                      \
		.x = X_INT8(AVX512_FEW_INT8_MR, x_factor),                     \
		.nr = AVX512_FEW_INT8_NR, .multiply = (function)               \
	}

#define STRIP_INT8(packs, function, pair_size, x_factor)                       \
	{                                                                      \
		.x = X_INT8(AVX512_FEW_INT8_MR, x_factor),                     \
		.nr = AVX512_FEW_INT8_NR, .rows = AVX512_STRIP_ROWS,           \
		.cols = AVX512_STRIP_COLS, .size = (pair_size),                \
		.pack = (packs), .multiply = (function)                        \
	}

#define PANEL_INT8(packs, tile, panel_size, x_factor)                          \
	{                                                                      \
		.x = X_INT8(AVX512_INT8_MR, x_factor), .nr = AVX512_NR,        \
		.kc = AVX512_INT8_KC, .size = (panel_size), .pack = (packs),   \
		.multiply = (tile)                                             \
	}

const struct kernel_set quire_set_avx512vnni = {
	.name = "avx512vnni",
	.needs = CPU_AVX2 | CPU_FMA | CPU_F16C | CPU_AVX512F | CPU_AVX512BW |
		 CPU_AVX512VL | CPU_AVX512VNNI,
	.from_f16 = quire_from_f16_avx512,
	.to_f16 = quire_to_f16_avx512,
	.ops = {
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_F32,
			.panel_from = 5,
			.vec = VEC_F32_CODES(quire_vec_f32_q4_0_avx512),
			.panel = PANEL_F32(quire_pack_f32_q4_0_avx512),
		},
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_INT8,
			.panel_from = 17,
			.vec = VEC_INT8(quire_vec_int8_q4_0_avx512vnni, QUIRE_Q4_0_FACTOR),
			.few = FEW_INT8(quire_few_int8_q4_0_avx512vnni, QUIRE_Q4_0_FACTOR),
			.strip = STRIP_INT8(quire_pack_strip_q4_0_avx512, quire_strip_int8_q4_0_avx512vnni, AVX512_STRIP_Q4_0_SIZE, QUIRE_Q4_0_FACTOR),
			.panel = PANEL_INT8(quire_pack_int8_q4_0_avx512, quire_tile_int8_avx512vnni, AVX512_INT8_PANEL_SIZE, QUIRE_Q4_0_FACTOR),
		},
		{
			.weights = QUIRE_Q4_1,
			.compute = COMPUTE_F32,
			.panel_from = 5,
			.vec = VEC_F32_CODES(quire_vec_f32_q4_1_avx512),
			.panel = PANEL_F32(quire_pack_f32_q4_1_avx512),
		},
		{
			.weights = QUIRE_Q4_1,
			.compute = COMPUTE_INT8,
			.panel_from = 17,
			.vec = VEC_INT8(quire_vec_int8_q4_1_avx512vnni, QUIRE_Q4_1_FACTOR),
			.few = FEW_INT8(quire_few_int8_q4_1_avx512vnni, QUIRE_Q4_1_FACTOR),
			.strip = STRIP_INT8(quire_pack_strip_q4_1_avx512, quire_strip_int8_q4_1_avx512vnni, AVX512_STRIP_Q4_1_SIZE, QUIRE_Q4_1_FACTOR),
			.panel = PANEL_INT8(quire_pack_int8_q4_1_avx512, quire_tile_int8_min_avx512vnni, AVX512_INT8_MIN_PANEL_SIZE, QUIRE_Q4_1_FACTOR),
		},
		{
			.weights = QUIRE_Q8_0,
			.compute = COMPUTE_F32,
			.panel_from = 5,
			.vec = VEC_F32(quire_vec_f32_q8_0_avx512),
			.panel = PANEL_F32(quire_pack_f32_q8_0_avx512),
		},
		{
			.weights = QUIRE_Q8_0,
			.compute = COMPUTE_INT8,
			.panel_from = 17,
			.vec = VEC_INT8(quire_vec_int8_q8_0_avx512vnni, QUIRE_Q8_0_FACTOR),
			.few = FEW_INT8(quire_few_int8_q8_0_avx512vnni, QUIRE_Q8_0_FACTOR),
			.strip = STRIP_INT8(quire_pack_strip_q8_0_avx512, quire_strip_int8_q8_0_avx512vnni, AVX512_STRIP_Q8_0_SIZE, QUIRE_Q8_0_FACTOR),
			.panel = PANEL_INT8(quire_pack_int8_q8_0_avx512, quire_tile_int8_avx512vnni, AVX512_INT8_PANEL_SIZE, QUIRE_Q8_0_FACTOR),
		},
		{
			.weights = QUIRE_F16,
			.compute = COMPUTE_F32,
			.panel_from = 5,
			.vec = VEC_F32(quire_vec_f32_f16_avx512),
			.panel = PANEL_F32(quire_pack_f32_f16_avx512),
		},
		{
			.weights = QUIRE_BF16,
			.compute = COMPUTE_F32,
			.panel_from = 5,
			.vec = VEC_F32(quire_vec_f32_bf16_avx512),
			.panel = PANEL_F32(quire_pack_f32_bf16_avx512),
		},
		{
			.weights = QUIRE_F32,
			.compute = COMPUTE_F32,
			.panel_from = 5,
			.vec = VEC_F32(quire_vec_f32_f32_avx512),
			.panel = PANEL_F32(quire_pack_f32_f32_avx512),
		},
	},
};
