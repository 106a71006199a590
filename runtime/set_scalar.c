/*
 * set_scalar.c - the set of plain C kernels: what each has, and its geometry.
 */
#include "runtime/kernels/kernels_scalar.h"
#include "runtime/kernels/quantize.h"
#include "runtime/sets.h"

#define X_F32                                                                  \
	{                                                                      \
		.rows = 1, .group = QUIRE_BLOCK_COLS,                          \
		.size = QUIRE_BLOCK_COLS * sizeof(float),                      \
		.prepare = quire_prepare_f32_scalar                            \
	}

const struct kernel_set quire_set_scalar = {
	.name = "scalar",
	.from_f16 = quire_from_f16_scalar,
	.to_f16 = quire_to_f16_scalar,
	.ops = {
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_F32,
			.vec = { X_F32, quire_vec_f32_q4_0_scalar },
		},
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_INT8,
			.vec = {
				.x = {
					.rows = 1,
					.group = QUIRE_BLOCK_COLS,
					.size = QUIRE_INT8_SIZE(1),
					.prepare = quire_prepare_int8_scalar,
				},
				.multiply = quire_vec_int8_q4_0_scalar,
			},
		},
		{
			.weights = QUIRE_F16,
			.compute = COMPUTE_F32,
			.vec = { X_F32, quire_vec_f32_f16_scalar },
		},
		{
			.weights = QUIRE_F32,
			.compute = COMPUTE_F32,
			.vec = { X_F32, quire_vec_f32_f32_scalar },
		},
	},
};
