/*
 * ops_avx2.h - what the rows of the AVX2 int8 kernels have in common.
 * AVX-VNNI's read the same x and the same panels.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_OPS_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_OPS_AVX2_H

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"

extern const struct pack_form quire_pack_int8_avx2[];

/* Quantized x for GEMV and the small-batch form. */
#define AVX2_X_INT8_ROW(sum_factor)                                            \
	{                                                                      \
		.rows = 1, .group = AVX2_VEC_INT8_BLOCKS * QUIRE_BLOCK_COLS,   \
		.size = AVX2_VEC_INT8_SIZE, .factor = (sum_factor),            \
		.prepare = quire_prepare_vec_int8_avx2                         \
	}

/* Quantized x for tiles. */
#define AVX2_X_INT8_TILE(sum_factor)                                           \
	{                                                                      \
		.rows = AVX2_INT8_MR, .group = QUIRE_BLOCK_COLS,               \
		.size = QUIRE_INT8_SIZE(AVX2_INT8_MR), .factor = (sum_factor), \
		.prepare = quire_prepare_int8_avx2                             \
	}

#define AVX2_GEMV_INT8(type, sum_factor, function)                             \
	{                                                                      \
		.weights = (type), .x = AVX2_X_INT8_ROW(sum_factor),           \
		.multiply = (function)                                         \
	}

#define AVX2_SMALL_INT8(type, sum_factor, function)                            \
	{                                                                      \
		.weights = (type), .x = AVX2_X_INT8_ROW(sum_factor),           \
		.from = 2, .most = QUIRE_SMALL_ROWS, .nr = AVX2_FEW_INT8_NR,   \
		.multiply = (function)                                         \
	}

#define AVX2_TILE_INT8(type, sum_factor, function)                             \
	{                                                                      \
		.weights = (type), .x = AVX2_X_INT8_TILE(sum_factor),          \
		.from = 6, .packs = quire_pack_int8_avx2,                      \
		.multiply = (function)                                         \
	}

#endif
