/*
 * kernels_avx512.h - the kernels with 512-bit vectors, and their geometry.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_KERNELS_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_KERNELS_AVX512_H

#include "runtime/kernel_set.h"

/* A tile of y is mr by nr numbers: nr / 16 vectors for each row of x. */
enum {
	/* f32: 24 of the 32 registers are sums, so that there are 11 loads
	 * for 24 products. A panel of 48 x 128 x 4 bytes is 24 KiB, which
	 * leaves room for a tile of x in 32 KiB, and in 48 for another thread
	 * of the core. A tile of x lies as it is read. */
	AVX512_F32_MR = 8,
	AVX512_F32_NR = 48,
	AVX512_F32_KC = 128,
	AVX512_F32_PANEL_SIZE = AVX512_F32_NR * AVX512_F32_KC * 4,
	AVX512_F32_GROUP = 16,

	/* The few form in f32: rows of x are lanes of up to four vectors, and
	 * 128 columns of them are 32 KiB. Sums of 48 rows of W by all of them
	 * are 12 KiB more. */
	AVX512_FEW_F32_LANES = 16,
	AVX512_FEW_F32_MOST = 4 * AVX512_FEW_F32_LANES,
	AVX512_FEW_F32_NR = 48,

	/* In int8 an integer begins at the bits of 3 * 2^22 as an f32, whose
	 * last bit is 1: I below 2^22 added to them gives those of 3 * 2^22 +
	 * I, and no conversion is needed. */
	AVX512_INT8_BEGIN = 0x4B400000,

	/* int8: 12 registers are integer sums and 12 the f32 ones. */
	AVX512_INT8_MR = 6,
	AVX512_NR = 32,
	AVX512_INT8_KC = 512,
	AVX512_INT8_BLOCK_SIZE = AVX512_NR * (32 + 4), /* codes, f32 scales */
	AVX512_INT8_PANEL_SIZE = AVX512_INT8_KC / 32 * AVX512_INT8_BLOCK_SIZE,
	AVX512_INT8_MIN_BLOCK_SIZE = AVX512_NR * (32 + 8), /* and minima */
	AVX512_INT8_MIN_PANEL_SIZE =
	    AVX512_INT8_KC / 32 * AVX512_INT8_MIN_BLOCK_SIZE,

	/* The few form has a sum for each row of x and 8 vectors of codes.
	 * Four strips of 16 rows of W keep c in 4 KiB. */
	AVX512_FEW_INT8_MR = 4,
	AVX512_FEW_INT8_NR = 64,

	/* The strip form takes the same tiles of x. A strip is 16 rows; of two
	 * of its blocks, first the scales f16 [2][16], in Q4_1 minima likewise,
	 * then 4 columns of each row at a time: codes u4 or u8. */
	AVX512_STRIP_ROWS = 16,
	AVX512_STRIP_COLS = 2 * QUIRE_BLOCK_COLS,
	AVX512_STRIP_SCALES = 2 * AVX512_STRIP_ROWS * 2,
	AVX512_STRIP_MIN_SCALES = 2 * AVX512_STRIP_SCALES,
	AVX512_STRIP_BYTES = AVX512_STRIP_ROWS * QUIRE_BLOCK_COLS,
	AVX512_STRIP_NIBBLES = AVX512_STRIP_BYTES / 2,
	AVX512_STRIP_Q4_0_SIZE = AVX512_STRIP_SCALES + 2 * AVX512_STRIP_NIBBLES,
	AVX512_STRIP_Q4_1_SIZE =
	    AVX512_STRIP_MIN_SCALES + 2 * AVX512_STRIP_NIBBLES,
	AVX512_STRIP_Q8_0_SIZE = AVX512_STRIP_SCALES + 2 * AVX512_STRIP_BYTES,

	/* The vec form adds up the sums of 16 rows of W at once. */
	AVX512_VEC_NR = 16,

	/* In int8 it takes 16 blocks a step: of four at a time 64 low and 64
	 * high codes; then offsets s32 and scales f32, those of block 4i + j
	 * at 4j + i. */
	AVX512_VEC_INT8_COLS = 512,
	AVX512_VEC_INT8_OFFSETS = 512,
	AVX512_VEC_INT8_SCALES = AVX512_VEC_INT8_OFFSETS + 64,
	AVX512_VEC_INT8_SIZE = AVX512_VEC_INT8_SCALES + 64,

	/* That of Q4_0 and Q4_1 in f32 takes four: x [8][16], and at the place
	 * LARGE not 0 if x times codes could overflow. */
	AVX512_VEC_F32_COLS = 128,
	AVX512_VEC_F32_LARGE = AVX512_VEC_F32_COLS,
	AVX512_VEC_F32_SIZE = AVX512_VEC_F32_COLS * 4 + 64,

	/* The few form in f32 whose lanes are columns: of 8 rows of x 512
	 * columns are 18 KiB, and their sums by 16 rows of W 8 KiB. */
	AVX512_FEW_CODES_MOST = 8,
	AVX512_FEW_CODES_KC = 512,
};

quire_prepare_function quire_prepare_int8_avx512vnni;
quire_prepare_function quire_prepare_vec_int8_avx512vnni;
quire_prepare_function quire_prepare_vec_f32_avx512;

quire_gemv_function quire_vec_f32_q4_0_avx512;
quire_gemv_function quire_vec_f32_q4_1_avx512;
quire_gemv_function quire_vec_f32_q8_0_avx512;
quire_gemv_function quire_vec_f32_f16_avx512;
quire_gemv_function quire_vec_f32_bf16_avx512;
quire_gemv_function quire_vec_f32_f32_avx512;
quire_gemv_function quire_vec_int8_q4_0_avx512vnni;
quire_gemv_function quire_vec_int8_q4_1_avx512vnni;
quire_gemv_function quire_vec_int8_q8_0_avx512vnni;

/* For x in tiles of 4, 8 or 16 rows; few_codes in tiles of one, as the vec form
 * takes it. */
quire_small_function quire_few_codes_f32_q4_0_avx512;
quire_small_function quire_few16_f32_q4_0_avx512;
quire_small_function quire_few_codes_f32_q4_1_avx512;
quire_small_function quire_few16_f32_q4_1_avx512;
quire_small_function quire_few_codes_f32_q8_0_avx512;
quire_small_function quire_few16_f32_q8_0_avx512;
quire_small_function quire_few4_f32_f16_avx512;
quire_small_function quire_few8_f32_f16_avx512;
quire_small_function quire_few16_f32_f16_avx512;
quire_small_function quire_few4_f32_bf16_avx512;
quire_small_function quire_few8_f32_bf16_avx512;
quire_small_function quire_few16_f32_bf16_avx512;
quire_small_function quire_few8_f32_f32_avx512;
quire_small_function quire_few16_f32_f32_avx512;

quire_small_function quire_few_int8_q4_0_avx512vnni;
quire_small_function quire_few_int8_q4_1_avx512vnni;
quire_small_function quire_few_int8_q8_0_avx512vnni;

quire_small_function quire_strip_int8_q4_0_avx512vnni;
quire_small_function quire_strip_int8_q4_1_avx512vnni;
quire_small_function quire_strip_int8_q8_0_avx512vnni;

/* Strips, for the functions above. */
quire_pack_function quire_pack_strip_q4_0_avx512;
quire_pack_function quire_pack_strip_q4_1_avx512;
quire_pack_function quire_pack_strip_q8_0_avx512;

/* Panels for f32: [k][48] f32. */
quire_pack_function quire_pack_f32_q4_0_avx512;
quire_pack_function quire_pack_f32_q4_1_avx512;
quire_pack_function quire_pack_f32_q8_0_avx512;
quire_pack_function quire_pack_f32_f16_avx512;
quire_pack_function quire_pack_f32_bf16_avx512;
quire_pack_function quire_pack_f32_f32_avx512;
/* For int8, of each block: codes u8 [8][32][4], which is 4 columns of each
 * of 32 rows, 8 times (those of Q8_0 with 128 added); 32 scales f32; and, of
 * Q4_1, 32 minima f32. */
quire_pack_function quire_pack_int8_q4_0_avx512vnni;
quire_pack_function quire_pack_int8_q4_1_avx512vnni;
quire_pack_function quire_pack_int8_q8_0_avx512vnni;

quire_tile_function quire_tile_f32_avx512;
quire_tile_function quire_tile_int8_avx512vnni;
quire_tile_function quire_tile_int8_min_avx512vnni;

quire_from_f16_function quire_from_f16_avx512;
quire_to_f16_function quire_to_f16_avx512;

#endif
