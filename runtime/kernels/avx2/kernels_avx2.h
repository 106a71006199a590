/*
 * kernels_avx2.h - the kernels for AVX2, FMA and F16C, and their geometry.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_KERNELS_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_KERNELS_AVX2_H

#include "runtime/kernel_set.h"

/* A tile of y is mr by nr numbers: nr / 8 vectors for each row of x. */
enum {
	AVX2_NR = 16,

	/* f32: 12 of the 16 registers are sums. A panel of 16 x 256 x 4 bytes
	 * is 16 KiB. */
	AVX2_F32_MR = 6,
	AVX2_F32_KC = 256,
	AVX2_F32_PANEL_SIZE = AVX2_NR * AVX2_F32_KC * 4,

	/* The few form in f32: rows of x are lanes of up to two vectors, and
	 * 256 columns of them are 16 KiB. */
	AVX2_FEW_F32_LANES = 8,
	AVX2_FEW_F32_MOST = 2 * AVX2_FEW_F32_LANES,
	AVX2_FEW_F32_NR = 48,

	/* int8: 8 registers are integer sums. */
	AVX2_INT8_MR = 4,
	AVX2_INT8_KC = 512,
	AVX2_INT8_BLOCK_SIZE = AVX2_NR * (32 + 4), /* codes, f32 scales */
	AVX2_INT8_PANEL_SIZE = AVX2_INT8_KC / 32 * AVX2_INT8_BLOCK_SIZE,
	AVX2_INT8_MIN_BLOCK_SIZE = AVX2_NR * (32 + 8), /* and minima */
	AVX2_INT8_MIN_PANEL_SIZE = AVX2_INT8_KC / 32 * AVX2_INT8_MIN_BLOCK_SIZE,

	/* The vec form takes groups of 8 blocks of x, in four pairs of blocks
	 * j and j + 4: codes s8 [4][2][2][16], which is 16 of each block of a
	 * pair and then the other 16; scales f32 [8]; and offsets s32 [8]. */
	AVX2_VEC_INT8_BLOCKS = 8,
	AVX2_VEC_INT8_SCALES = AVX2_VEC_INT8_BLOCKS * 32,
	AVX2_VEC_INT8_OFFSETS = AVX2_VEC_INT8_BLOCKS * (32 + 4),
	AVX2_VEC_INT8_SIZE = AVX2_VEC_INT8_BLOCKS * (32 + 4 + 4),

	/* Rows of W that the few form reads again for further rows of x. */
	AVX2_FEW_INT8_NR = 16,
};

quire_prepare_function quire_prepare_int8_avx2;
quire_prepare_function quire_prepare_vec_int8_avx2;

quire_gemv_function quire_vec_f32_q4_0_avx2;
quire_gemv_function quire_vec_f32_q4_1_avx2;
quire_gemv_function quire_vec_f32_q8_0_avx2;
quire_gemv_function quire_vec_f32_f16_avx2;
quire_gemv_function quire_vec_f32_bf16_avx2;
quire_gemv_function quire_vec_f32_f32_avx2;
quire_gemv_function quire_vec_int8_q4_0_avx2;
quire_gemv_function quire_vec_int8_q4_1_avx2;
quire_gemv_function quire_vec_int8_q8_0_avx2;

/* For x in tiles of 2, 4 or 8 rows. */
quire_small_function quire_few2_f32_q4_0_avx2;
quire_small_function quire_few4_f32_q4_0_avx2;
quire_small_function quire_few8_f32_q4_0_avx2;
quire_small_function quire_few2_f32_q4_1_avx2;
quire_small_function quire_few4_f32_q4_1_avx2;
quire_small_function quire_few8_f32_q4_1_avx2;
quire_small_function quire_few4_f32_q8_0_avx2;
quire_small_function quire_few8_f32_q8_0_avx2;
quire_small_function quire_few4_f32_f16_avx2;
quire_small_function quire_few8_f32_f16_avx2;
quire_small_function quire_few4_f32_bf16_avx2;
quire_small_function quire_few8_f32_bf16_avx2;
quire_small_function quire_few4_f32_f32_avx2;
quire_small_function quire_few8_f32_f32_avx2;

quire_small_function quire_few_int8_q4_0_avx2;
quire_small_function quire_few_int8_q4_1_avx2;
quire_small_function quire_few_int8_q8_0_avx2;

/* Panels for f32: [k][16] f32. */
quire_pack_function quire_pack_f32_q4_0_avx2;
quire_pack_function quire_pack_f32_q4_1_avx2;
quire_pack_function quire_pack_f32_q8_0_avx2;
quire_pack_function quire_pack_f32_f16_avx2;
quire_pack_function quire_pack_f32_bf16_avx2;
quire_pack_function quire_pack_f32_f32_avx2;
/* For int8, of each block: codes u8 [8][16][4], which is 4 columns of each
 * of 16 rows, 8 times (those of Q8_0 s8); 16 scales f32; and, of Q4_1, 16
 * minima f32. */
quire_pack_function quire_pack_int8_q4_0_avx2;
quire_pack_function quire_pack_int8_q4_1_avx2;
quire_pack_function quire_pack_int8_q8_0_avx2;

quire_tile_function quire_tile_f32_avx2;
quire_tile_function quire_tile_int8_q4_0_avx2;
quire_tile_function quire_tile_int8_q4_1_avx2;
quire_tile_function quire_tile_int8_q8_0_avx2;

quire_from_f16_function quire_from_f16_avx2;
quire_to_f16_function quire_to_f16_avx2;

#endif
