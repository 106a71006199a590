/*
 * set_neon_i8mm.c - the set for arm64 with the int8 matrix instructions.
 */
#include "machine/cpu.h"
#include "runtime/ops_neon.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_neon_i8mm = {
	.name = "neon_i8mm",
	.needs = CPU_NEON | CPU_DOTPROD | CPU_I8MM,
	.from_f16 = quire_from_f16_neon,
	.to_f16 = quire_to_f16_neon,
	.ops = {
		NEON_OP_F32(QUIRE_Q4_0, q4_0),
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_INT8,
			.panel_from = 2,
			.vec = NEON_VEC_INT8(quire_vec_int8_q4_0_dotprod, QUIRE_Q4_0_FACTOR),
			.panel = NEON_PANEL_INT8(quire_pack_int8_q4_0_i8mm, quire_tile_int8_i8mm, NEON_INT8_PANEL_SIZE, QUIRE_Q4_0_FACTOR),
		},
		NEON_OP_F32(QUIRE_Q4_1, q4_1),
		{
			.weights = QUIRE_Q4_1,
			.compute = COMPUTE_INT8,
			.panel_from = 2,
			.vec = NEON_VEC_INT8(quire_vec_int8_q4_1_dotprod, QUIRE_Q4_1_FACTOR),
			.panel = NEON_PANEL_INT8(quire_pack_int8_q4_1_i8mm, quire_tile_int8_min_i8mm, NEON_INT8_MIN_PANEL_SIZE, QUIRE_Q4_1_FACTOR),
		},
		NEON_OP_F32(QUIRE_Q8_0, q8_0),
		{
			.weights = QUIRE_Q8_0,
			.compute = COMPUTE_INT8,
			.panel_from = 2,
			.vec = NEON_VEC_INT8(quire_vec_int8_q8_0_dotprod, QUIRE_Q8_0_FACTOR),
			.panel = NEON_PANEL_INT8(quire_pack_int8_q8_0_i8mm, quire_tile_int8_i8mm, NEON_INT8_PANEL_SIZE, QUIRE_Q8_0_FACTOR),
		},
		NEON_OP_F32(QUIRE_F16, f16),
		NEON_OP_F32(QUIRE_BF16, bf16),
		NEON_OP_F32(QUIRE_F32, f32),
	},
};
