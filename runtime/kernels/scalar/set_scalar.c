/*
 * set_scalar.c - the set of plain C kernels. It has GEMV alone, and is the last
 * base of every other set.
 */
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"
#include "runtime/sets.h"

#define GEMV_F32(type, function)                                               \
	{                                                                      \
		.weights = (type), .x = QUIRE_X_F32_ROW,                       \
		.multiply = (function)                                         \
	}

static const struct gemv_form gemv_f32[] = {
	GEMV_F32(QUIRE_Q4_0, quire_vec_f32_q4_0_scalar),
	GEMV_F32(QUIRE_Q4_1, quire_vec_f32_q4_1_scalar),
	GEMV_F32(QUIRE_Q8_0, quire_vec_f32_q8_0_scalar),
	GEMV_F32(QUIRE_F16, quire_vec_f32_f16_scalar),
	GEMV_F32(QUIRE_BF16, quire_vec_f32_bf16_scalar),
	GEMV_F32(QUIRE_F32, quire_vec_f32_f32_scalar),
	{ 0 },
};

#define GEMV_INT8(type, sum_factor, function)                                  \
	{                                                                      \
		.weights = (type),                                             \
		.x = { .rows = 1,                                              \
		       .group = QUIRE_BLOCK_COLS,                              \
		       .size = QUIRE_INT8_SIZE(1),                             \
		       .factor = (sum_factor),                                 \
		       .prepare = quire_prepare_int8_scalar },                 \
		.multiply = (function)                                         \
	}

static const struct gemv_form gemv_int8[] = {
	GEMV_INT8(QUIRE_Q4_0, QUIRE_Q4_0_FACTOR, quire_vec_int8_q4_0_scalar),
	GEMV_INT8(QUIRE_Q4_1, QUIRE_Q4_1_FACTOR, quire_vec_int8_q4_1_scalar),
	GEMV_INT8(QUIRE_Q8_0, QUIRE_Q8_0_FACTOR, quire_vec_int8_q8_0_scalar),
	{ 0 },
};

const struct kernel_set quire_set_scalar = {
	.name = "scalar",
	.from_f16 = quire_from_f16_scalar,
	.to_f16 = quire_to_f16_scalar,
	.gemv = { [COMPUTE_F32] = gemv_f32, [COMPUTE_INT8] = gemv_int8 },
};
