/*
 * ops_neon.h - rows of the tables of the arm64 sets: what of their geometry is
 * the same. The two sets with dot product instructions or better differ in the
 * panels of int8 alone, and in the rows of x from which those pay.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_OPS_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_OPS_NEON_H

#include "runtime/kernels/neon/kernels_neon.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"

#define NEON_OP_F32(dtype, type)                                                 \
	{                                                                        \
		.weights = (dtype), .compute = COMPUTE_F32, .panel_from = 4,   \
		.vec = {                                                       \
			.x = { .rows = 1,                                      \
			       .group = QUIRE_BLOCK_COLS,                      \
			       .size = QUIRE_BLOCK_COLS * sizeof(float),       \
			       .prepare = quire_prepare_f32_scalar },          \
			.multiply = quire_vec_f32_##type##_neon,               \
		},                                                             \
		.panel = {                                                     \
			.x = { .rows = NEON_F32_MR,                            \
			       .group = NEON_F32_KC,                           \
			       .size = NEON_F32_MR * NEON_F32_KC *             \
				       sizeof(float),                          \
			       .prepare = quire_prepare_f32_scalar },          \
			.nr = NEON_NR,                                         \
			.kc = NEON_F32_KC,                                     \
			.size = NEON_F32_PANEL_SIZE,                           \
			.pack = quire_pack_f32_##type##_neon,                  \
			.multiply = quire_tile_f32_neon,                       \
		}, \
	}

#define NEON_X_INT8(x_rows, x_factor)                                          \
	{                                                                      \
		.rows = (x_rows), .group = QUIRE_BLOCK_COLS,                   \
		.size = QUIRE_INT8_SIZE(x_rows), .factor = (x_factor),         \
		.prepare = quire_prepare_int8_neon                             \
	}

#define NEON_VEC_INT8(function, x_factor)                                      \
	{                                                                      \
		.x = NEON_X_INT8(1, x_factor), .multiply = (function)          \
	}

#define NEON_PANEL_INT8(packs, tile, panel_size, x_factor)                     \
	{                                                                      \
		.x = NEON_X_INT8(NEON_INT8_MR, x_factor), .nr = NEON_NR,       \
		.kc = NEON_INT8_KC, .size = (panel_size), .pack = (packs),     \
		.multiply = (tile)                                             \
	}

/* Of a type and a tile for it, quire_tile_int8_TILE; `isa` names the kernels.
 */
#define NEON_OP_INT8(dtype, type, x_factor, from, isa, tile, panel_size)       \
	{                                                                      \
		.weights = (dtype), .compute = COMPUTE_INT8,                   \
		.panel_from = (from),                                          \
		.vec =                                                         \
		    NEON_VEC_INT8(quire_vec_int8_##type##_dotprod, x_factor),  \
		.panel = NEON_PANEL_INT8(quire_pack_int8_##type##_##isa,       \
					 quire_tile_int8_##tile, panel_size,   \
					 x_factor),                            \
	}

/* A set whose int8 panels are for the instructions `isa`, and used from so
 * many rows of x on. */
#define NEON_SET(set_name, features, from, isa)                                \
	{                                                                      \
		.name = (set_name), .needs = (features),                       \
		.from_f16 = quire_from_f16_neon, .to_f16 = quire_to_f16_neon,  \
		.ops = {                                                       \
			NEON_OP_F32(QUIRE_Q4_0, q4_0),                         \
			NEON_OP_INT8(QUIRE_Q4_0, q4_0, QUIRE_Q4_0_FACTOR,      \
				     from, isa, isa, NEON_INT8_PANEL_SIZE),    \
			NEON_OP_F32(QUIRE_Q4_1, q4_1),                         \
			NEON_OP_INT8(QUIRE_Q4_1, q4_1, QUIRE_Q4_1_FACTOR,      \
				     from, isa, min_##isa,                     \
				     NEON_INT8_MIN_PANEL_SIZE),                \
			NEON_OP_F32(QUIRE_Q8_0, q8_0),                         \
			NEON_OP_INT8(QUIRE_Q8_0, q8_0, QUIRE_Q8_0_FACTOR,      \
				     from, isa, isa, NEON_INT8_PANEL_SIZE),    \
			NEON_OP_F32(QUIRE_F16, f16),                           \
			NEON_OP_F32(QUIRE_BF16, bf16),                         \
			NEON_OP_F32(QUIRE_F32, f32),                           \
		},                                                             \
	}

#endif
