/*
 * geometry_avx2.h - the layouts of panels and of prepared x that several AVX2
 * files share, and what each file exports.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_GEOMETRY_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_GEOMETRY_AVX2_H

#include "runtime/kernel_set.h"

enum {
	/* Rows of W in a panel: two vectors of 8 lanes. */
	AVX2_NR = 16,

	/* Columns of a panel for f32: f32 [k][16], 16 x 256 x 4 bytes = 16 KiB.
	 */
	AVX2_F32_KC = 256,

	/* Columns of a panel for int8. A block of all rows is codes u8
	 * [8][16][4], 4 columns of each of 16 rows, 8 times (s8 in Q8_0); then
	 * scales f32 [16]; then in Q4_1 minima f32 [16]. */
	AVX2_INT8_KC = 512,
	AVX2_INT8_BLOCK_SIZE = AVX2_NR * (32 + 4),
	AVX2_INT8_MIN_BLOCK_SIZE = AVX2_NR * (32 + 8),

	/* x for GEMV and small-batch GEMM in int8: groups of 8 blocks, in four
	 * pairs of blocks j and j + 4. Codes s8 [4][2][2][16]: of each pair 16
	 * columns of both blocks, then the other 16; then scales f32 [8]; then
	 * offsets s32 [8]. */
	AVX2_GEMV_INT8_BLOCKS = 8,
	AVX2_GEMV_INT8_SCALES = AVX2_GEMV_INT8_BLOCKS * 32,
	AVX2_GEMV_INT8_OFFSETS = AVX2_GEMV_INT8_BLOCKS * (32 + 4),
	AVX2_GEMV_INT8_SIZE = AVX2_GEMV_INT8_BLOCKS * (32 + 4 + 4),

	/* The most rows of x of small_codes_f32_avx2.c. */
	AVX2_SMALL_CODES_MOST = 12,
};

quire_prepare_function quire_prepare_int8_avx2; /* for tiles */
quire_prepare_function quire_prepare_gemv_int8_avx2;

/* 2 to 12 rows of x, in tiles of one row, as GEMV takes it. */
quire_small_function quire_small_codes_f32_q4_0_avx2;
quire_small_function quire_small_codes_f32_q4_1_avx2;
quire_small_function quire_small_codes_f32_q8_0_avx2;
quire_small_function quire_small_codes_f32_f16_avx2;
quire_small_function quire_small_codes_f32_bf16_avx2;
quire_small_function quire_small_codes_f32_f32_avx2;

extern const struct gemv_form quire_gemv_f32_avx2[];
extern const struct gemv_form quire_gemv_int8_avx2[];
extern const struct small_form quire_small_f32_avx2[];
extern const struct small_form quire_small_int8_avx2[];
extern const struct pack_form quire_pack_f32_avx2[];
extern const struct pack_form quire_pack_int8_avx2[];
extern const struct tile_form quire_tile_f32_avx2[];
extern const struct tile_form quire_tile_int8_avx2[];

quire_from_f16_function quire_from_f16_avx2;
quire_to_f16_function quire_to_f16_avx2;

#endif
