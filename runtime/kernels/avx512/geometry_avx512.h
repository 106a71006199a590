/*
 * geometry_avx512.h - the layouts of panels and of prepared x that several
 * AVX-512 files share, and what each file exports.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_GEOMETRY_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_GEOMETRY_AVX512_H

#include "runtime/kernel_set.h"
#include "runtime/kernels/scalar/geometry_scalar.h"

enum {
	/* A panel for f32: f32 [k][48]. 48 x 128 x 4 bytes = 24 KiB leave room
	 * for a tile of x in a cache of 32 KiB, and for a second thread of the
	 * core in one of 48 KiB. */
	AVX512_F32_NR = 48,
	AVX512_F32_KC = 128,

	/* GEMV adds up the sums of 16 rows of W at once. */
	AVX512_GEMV_NR = 16,

	/* x for GEMV and small-batch GEMM of Q4_0 and Q4_1 in f32: groups of 4
	 * blocks, f32 [8][16], in the order of the codes in registers; then, at
	 * LARGE, an f32 that is not 0 if x times codes can overflow; then
	 * padding to 64 bytes. */
	AVX512_GEMV_F32_COLS = 128,
	AVX512_GEMV_F32_LARGE = AVX512_GEMV_F32_COLS,
	AVX512_GEMV_F32_SIZE = AVX512_GEMV_F32_COLS * 4 + 64,

	/* The most rows of x of small_codes_f32_avx512.c. */
	AVX512_SMALL_CODES_MOST = 15,
};

quire_prepare_function quire_prepare_gemv_f32_avx512;

#define AVX512_X_F32_NIBBLES                                                   \
	{                                                                      \
		.rows = 1, .group = AVX512_GEMV_F32_COLS,                      \
		.size = AVX512_GEMV_F32_SIZE,                                  \
		.prepare = quire_prepare_gemv_f32_avx512                       \
	}

/* 2 to 15 rows of x, in tiles of one row, as GEMV takes it. */
quire_small_function quire_small_codes_f32_q4_0_avx512;
quire_small_function quire_small_codes_f32_q4_1_avx512;
quire_small_function quire_small_codes_f32_q8_0_avx512;
quire_small_function quire_small_codes_f32_f16_avx512;
quire_small_function quire_small_codes_f32_bf16_avx512;
quire_small_function quire_small_codes_f32_f32_avx512;

extern const struct gemv_form quire_gemv_f32_avx512[];
extern const struct small_form quire_small_f32_avx512[];
extern const struct pack_form quire_pack_f32_avx512[];
extern const struct tile_form quire_tile_f32_avx512[];

quire_from_f16_function quire_from_f16_avx512;
quire_to_f16_function quire_to_f16_avx512;

#endif
