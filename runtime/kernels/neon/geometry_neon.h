/*
 * geometry_neon.h - the kernels for arm64 and their geometry: those for every
 * CPU, for the dot product and for the int8 matrix instructions.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_GEOMETRY_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_GEOMETRY_NEON_H

#include "runtime/kernel_set.h"
#include "runtime/kernels/quantize.h"

enum {
	NEON_NR = 8,

	/* f32: 16 of the 32 registers are sums, 8 hold x. A panel of
	 * 8 x 256 x 4 bytes is 8 KiB. */
	NEON_F32_MR = 8,
	NEON_F32_KC = 256,
	NEON_F32_PANEL_SIZE = NEON_NR * NEON_F32_KC * 4,

	/* int8: 8 registers are integer sums, 8 sums in f32, 8 hold x. */
	NEON_INT8_MR = 4,
	NEON_INT8_KC = 512,
	NEON_INT8_BLOCK_SIZE = NEON_NR * (32 + 4), /* codes, f32 scales */
	NEON_INT8_PANEL_SIZE = NEON_INT8_KC / 32 * NEON_INT8_BLOCK_SIZE,
	NEON_INT8_MIN_BLOCK_SIZE = NEON_NR * (32 + 8), /* and minima */
	NEON_INT8_MIN_PANEL_SIZE = NEON_INT8_KC / 32 * NEON_INT8_MIN_BLOCK_SIZE,
};

/* Lays x out as quire_prepare_int8_scalar does. */
quire_prepare_function quire_prepare_int8_neon;

/* Quantized x in tiles of x_rows rows. */
#define NEON_X_INT8(x_rows, sum_factor)                                        \
	{                                                                      \
		.rows = (x_rows), .group = QUIRE_BLOCK_COLS,                   \
		.size = QUIRE_INT8_SIZE(x_rows), .factor = (sum_factor),       \
		.prepare = quire_prepare_int8_neon                             \
	}

extern const struct gemv_form quire_gemv_f32_neon[];
extern const struct gemv_form quire_gemv_int8_neon[];
extern const struct gemv_form quire_gemv_int8_dotprod[];

extern const struct pack_form quire_pack_f32_neon[];

/* Panels for int8, of each block: signed codes (those of Q4_0 less 8), 8 scales
 * f32 and, of Q4_1, 8 minima f32. For dotprod the codes are [8][8][4]: 4
 * columns of each of 8 rows, 8 times. For i8mm they are [4][4][2][8]: 8 columns
 * of each of 4 pairs of rows, 4 times. */
extern const struct pack_form quire_pack_int8_dotprod[];
extern const struct pack_form quire_pack_int8_i8mm[];

extern const struct tile_form quire_tile_f32_neon[];
extern const struct tile_form quire_tile_int8_dotprod[];
extern const struct tile_form quire_tile_int8_i8mm[];

quire_from_f16_function quire_from_f16_neon;
quire_to_f16_function quire_to_f16_neon;

#endif
