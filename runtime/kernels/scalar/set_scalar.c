/*
 * set_scalar.c - the set of plain C kernels: what each has, and its geometry.
 */
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"
#include "runtime/sets.h"

#define X_F32                                                                  \
	{                                                                      \
		.rows = 1, .group = QUIRE_BLOCK_COLS,                          \
		.size = QUIRE_BLOCK_COLS * sizeof(float),                      \
		.prepare = quire_prepare_f32_scalar                            \
	}

#define X_INT8(x_factor)                                                       \
	{                                                                      \
		.rows = 1, .group = QUIRE_BLOCK_COLS,                          \
		.size = QUIRE_INT8_SIZE(1), .factor = (x_factor),              \
		.prepare = quire_prepare_int8_scalar                           \
	}

const struct kernel_set quire_set_scalar = {
	.name = "scalar",
	.from_f16 = quire_from_f16_scalar,
	.to_f16 = quire_to_f16_scalar,
	.ops = {
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_F32,
			.vec = { .x = X_F32, .multiply = quire_vec_f32_q4_0_scalar },
		},
		{
			.weights = QUIRE_Q4_0,
			.compute = COMPUTE_INT8,
			.vec = { .x = X_INT8(QUIRE_Q4_0_FACTOR), .multiply = quire_vec_int8_q4_0_scalar },
		},
		{
			.weights = QUIRE_Q4_1,
			.compute = COMPUTE_F32,
			.vec = { .x = X_F32, .multiply = quire_vec_f32_q4_1_scalar },
		},
		{
			.weights = QUIRE_Q4_1,
			.compute = COMPUTE_INT8,
			.vec = { .x = X_INT8(QUIRE_Q4_1_FACTOR), .multiply = quire_vec_int8_q4_1_scalar },
		},
		{
			.weights = QUIRE_Q8_0,
			.compute = COMPUTE_F32,
			.vec = { .x = X_F32, .multiply = quire_vec_f32_q8_0_scalar },
		},
		{
			.weights = QUIRE_Q8_0,
			.compute = COMPUTE_INT8,
			.vec = { .x = X_INT8(QUIRE_Q8_0_FACTOR), .multiply = quire_vec_int8_q8_0_scalar },
		},
		{
			.weights = QUIRE_F16,
			.compute = COMPUTE_F32,
			.vec = { .x = X_F32, .multiply = quire_vec_f32_f16_scalar },
		},
		{
			.weights = QUIRE_BF16,
			.compute = COMPUTE_F32,
			.vec = { .x = X_F32, .multiply = quire_vec_f32_bf16_scalar },
		},
		{
			.weights = QUIRE_F32,
			.compute = COMPUTE_F32,
			.vec = { .x = X_F32, .multiply = quire_vec_f32_f32_scalar },
		},
	},
};
