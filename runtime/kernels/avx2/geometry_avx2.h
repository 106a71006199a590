/*
 * geometry_avx2.h - what several files of AVX2 kernels must agree on: how
 * panels and prepared x lie; and what the sets name of each file.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_GEOMETRY_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_GEOMETRY_AVX2_H

#include "runtime/kernel_set.h"

enum {
	/* Rows of W in a panel: two vectors of 8 lanes. */
	AVX2_NR = 16,

	/* Columns of a panel for f32, which is [k][16] f32: 16 x 256 x 4 bytes
	 * are 16 KiB. */
	AVX2_F32_KC = 256,

	/* Columns of a panel for int8, and the bytes of a block of it: codes
	 * u8 [8][16][4], which is 4 columns of each of 16 rows, 8 times (those
	 * of Q8_0 s8); 16 scales f32; and of Q4_1 16 minima f32. */
	AVX2_INT8_KC = 512,
	AVX2_INT8_BLOCK_SIZE = AVX2_NR * (32 + 4),
	AVX2_INT8_MIN_BLOCK_SIZE = AVX2_NR * (32 + 8),

	/* x for GEMV and the small-batch form in int8: groups of 8 blocks, in
	 * four pairs of blocks j and j + 4. Codes s8 [4][2][2][16]: 16 columns
	 * of each block of a pair, then the other 16; scales f32 [8]; offsets
	 * s32 [8]. */
	AVX2_GEMV_INT8_BLOCKS = 8,
	AVX2_GEMV_INT8_SCALES = AVX2_GEMV_INT8_BLOCKS * 32,
	AVX2_GEMV_INT8_OFFSETS = AVX2_GEMV_INT8_BLOCKS * (32 + 4),
	AVX2_GEMV_INT8_SIZE = AVX2_GEMV_INT8_BLOCKS * (32 + 4 + 4),
};

quire_prepare_function quire_prepare_int8_avx2; /* for tiles */
quire_prepare_function quire_prepare_gemv_int8_avx2;

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
