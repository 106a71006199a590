/*
 * ops_neon.h - what the rows of the arm64 int8 kernels have in common. Those
 * for the dot product and for the matrix instructions differ in the panels, and
 * in the rows of x from which packing pays.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_OPS_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_OPS_NEON_H

#include "runtime/kernels/neon/kernels_neon.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"

/* Quantized x in tiles of x_rows rows. */
#define NEON_X_INT8(x_rows, sum_factor)                                        \
	{                                                                      \
		.rows = (x_rows), .group = QUIRE_BLOCK_COLS,                   \
		.size = QUIRE_INT8_SIZE(x_rows), .factor = (sum_factor),       \
		.prepare = quire_prepare_int8_neon                             \
	}

#define NEON_GEMV_INT8(type, sum_factor, function)                             \
	{                                                                      \
		.weights = (type), .x = NEON_X_INT8(1, sum_factor),            \
		.multiply = (function)                                         \
	}

#define NEON_PACK_INT8(type, panel_size, function)                             \
	{                                                                      \
		.weights = (type), .nr = NEON_NR, .kc = NEON_INT8_KC,          \
		.size = (panel_size), .pack = (function)                       \
	}

#define NEON_TILE_INT8(type, sum_factor, first, list, function)                \
	{                                                                      \
		.weights = (type), .x = NEON_X_INT8(NEON_INT8_MR, sum_factor), \
		.from = (first), .packs = (list), .multiply = (function)       \
	}

#endif
