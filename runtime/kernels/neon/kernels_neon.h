/*
 * kernels_neon.h - the kernels for arm64: those of every CPU, those for the
 * dot product instructions and those for the int8 matrix instructions; and
 * their geometry.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_KERNELS_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_KERNELS_NEON_H

#include "runtime/kernel_set.h"

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

/* As quire_prepare_int8_scalar lays it out. */
quire_prepare_function quire_prepare_int8_neon;

quire_gemv_function quire_vec_f32_q4_0_neon;
quire_gemv_function quire_vec_f32_q4_1_neon;
quire_gemv_function quire_vec_f32_q8_0_neon;
quire_gemv_function quire_vec_f32_f16_neon;
quire_gemv_function quire_vec_f32_bf16_neon;
quire_gemv_function quire_vec_f32_f32_neon;
quire_gemv_function quire_vec_int8_q4_0_neon;
quire_gemv_function quire_vec_int8_q4_1_neon;
quire_gemv_function quire_vec_int8_q8_0_neon;
quire_gemv_function quire_vec_int8_q4_0_dotprod;
quire_gemv_function quire_vec_int8_q4_1_dotprod;
quire_gemv_function quire_vec_int8_q8_0_dotprod;

/* Panels for f32: [k][8] f32, zeros up to a multiple of 4 columns. */
quire_pack_function quire_pack_f32_q4_0_neon;
quire_pack_function quire_pack_f32_q4_1_neon;
quire_pack_function quire_pack_f32_q8_0_neon;
quire_pack_function quire_pack_f32_f16_neon;
quire_pack_function quire_pack_f32_bf16_neon;
quire_pack_function quire_pack_f32_f32_neon;

/* Panels for int8, of each block: signed codes (those of Q4_0 less 8), 8
 * scales f32 and, of Q4_1, 8 minima f32. For dotprod the codes are
 * [8][8][4]: 4 columns of each of 8 rows, 8 times. For i8mm they are
 * [4][4][2][8]: 8 columns of each of 4 pairs of rows, 4 times. */
quire_pack_function quire_pack_int8_q4_0_dotprod;
quire_pack_function quire_pack_int8_q4_1_dotprod;
quire_pack_function quire_pack_int8_q8_0_dotprod;
quire_pack_function quire_pack_int8_q4_0_i8mm;
quire_pack_function quire_pack_int8_q4_1_i8mm;
quire_pack_function quire_pack_int8_q8_0_i8mm;

quire_tile_function quire_tile_f32_neon;
quire_tile_function quire_tile_int8_dotprod;
quire_tile_function quire_tile_int8_min_dotprod;
quire_tile_function quire_tile_int8_i8mm;
quire_tile_function quire_tile_int8_min_i8mm;

quire_from_f16_function quire_from_f16_neon;
quire_to_f16_function quire_to_f16_neon;

#endif
