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

#define PANEL_F32(function)                                                    \
	{                                                                      \
		.x = { .rows = AVX512_F32_MR,                                  \
		       .group = AVX512_F32_KC,                                 \
		       .size = AVX512_F32_MR * AVX512_F32_KC * sizeof(float),  \
		       .prepare = quire_prepare_f32_scalar },                  \
		.nr = AVX512_NR, .kc = AVX512_F32_KC,                          \
		.size = AVX512_F32_PANEL_SIZE, .pack = (function),             \
		.multiply = quire_tile_f32_avx512                              \
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
			.vec = VEC_F32(quire_vec_f32_q4_0_avx512),
			.panel = PANEL_F32(quire_pack_f32_q4_0_avx512),
		},
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_INT8,
			.panel_from = 4,
			.vec = {
				.x = {
					.rows = 1,
					.group = AVX512_VEC_INT8_COLS,
					.size = AVX512_VEC_INT8_SIZE,
					.prepare =
					    quire_prepare_vec_int8_avx512vnni,
				},
				.multiply = quire_vec_int8_q4_0_avx512vnni,
			},
			.panel = {
				.x = {
					.rows = AVX512_INT8_MR,
					.group = QUIRE_BLOCK_COLS,
					.size = QUIRE_INT8_SIZE(AVX512_INT8_MR),
					.prepare =
					    quire_prepare_int8_avx512vnni,
				},
				.nr = AVX512_NR,
				.kc = AVX512_INT8_KC,
				.size = AVX512_INT8_PANEL_SIZE,
				.pack = quire_pack_int8_q4_0_avx512,
				.multiply = quire_tile_int8_avx512vnni,
			},
		},
		{
			.weights = QUIRE_F16,
			.compute = COMPUTE_F32,
			.panel_from = 5,
			.vec = VEC_F32(quire_vec_f32_f16_avx512),
			.panel = PANEL_F32(quire_pack_f32_f16_avx512),
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
