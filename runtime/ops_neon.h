/*
 * ops_neon.h - rows of the tables of the arm64 sets: what of their geometry is
 * the same.
 */
#ifndef QUIRE_RUNTIME_OPS_NEON_H
#define QUIRE_RUNTIME_OPS_NEON_H

#include "runtime/kernels/kernels_neon.h"
#include "runtime/kernels/kernels_scalar.h"
#include "runtime/kernels/quantize.h"

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

#endif
