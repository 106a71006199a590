/*
 * set_neon.c - the set for every arm64 CPU. It has no panel form for int8, so
 * that many rows of x go one by one.
 */
#include "base/cpu.h"
#include "runtime/kernels/neon/ops_neon.h"
#include "runtime/sets.h"

const struct kernel_set quire_set_neon = {
	.name = "neon",
	.needs = CPU_NEON,
	.from_f16 = quire_from_f16_neon,
	.to_f16 = quire_to_f16_neon,
	.ops = {
		NEON_OP_F32(QUIRE_Q4_0, q4_0),
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_INT8,
			.vec = NEON_VEC_INT8(quire_vec_int8_q4_0_neon, QUIRE_Q4_0_FACTOR),
		},
		NEON_OP_F32(QUIRE_Q4_1, q4_1),
		{
			.weights = QUIRE_Q4_1,
			.compute = COMPUTE_INT8,
			.vec = NEON_VEC_INT8(quire_vec_int8_q4_1_neon, QUIRE_Q4_1_FACTOR),
		},
		NEON_OP_F32(QUIRE_Q8_0, q8_0),
		{
			.weights = QUIRE_Q8_0,
			.compute = COMPUTE_INT8,
			.vec = NEON_VEC_INT8(quire_vec_int8_q8_0_neon, QUIRE_Q8_0_FACTOR),
		},
		NEON_OP_F32(QUIRE_F16, f16),
		NEON_OP_F32(QUIRE_BF16, bf16),
		NEON_OP_F32(QUIRE_F32, f32),
	},
};
