/*
 * geometry_scalar.h - the kernels in plain C and how they lay x out. They
 * define what the others compute, and run where no other set does. The f32
 * preparations are for every set.
 */
#ifndef QUIRE_RUNTIME_KERNELS_SCALAR_GEOMETRY_SCALAR_H
#define QUIRE_RUNTIME_KERNELS_SCALAR_GEOMETRY_SCALAR_H

#include "runtime/kernel_set.h"

/* Groups of f32: [rows][group]. */
quire_prepare_function quire_prepare_f32_scalar;

/* One row of x as it is, for most GEMV in f32. */
#define QUIRE_X_F32_ROW                                                        \
	{                                                                      \
		.rows = 1, .group = QUIRE_BLOCK_COLS,                          \
		.size = QUIRE_BLOCK_COLS * sizeof(float),                      \
		.prepare = quire_prepare_f32_scalar                            \
	}

/* [rows][group] too, for groups of 1, 2, 4 or 8 columns. */
quire_prepare_function quire_prepare_columns_f32_scalar;

/* Blocks of a tile, quantized: codes s8 [rows][32], scales f32 [rows], offsets
 * s32 [rows], which are sums of the codes times form->factor. */
quire_prepare_function quire_prepare_int8_scalar;

extern const struct gemv_form quire_gemv_f32_scalar[];
extern const struct gemv_form quire_gemv_int8_scalar[];

quire_from_f16_function quire_from_f16_scalar;
quire_to_f16_function quire_to_f16_scalar;

#endif
