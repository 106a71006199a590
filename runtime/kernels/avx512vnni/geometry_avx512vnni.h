/*
 * geometry_avx512vnni.h - the layouts of panels and of prepared x that several
 * AVX-512 VNNI files share, and what each file exports.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_GEOMETRY_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_GEOMETRY_AVX512VNNI_H

#include "runtime/kernel_set.h"
#include "runtime/kernels/quantize.h"

enum {
	/* A panel for int8. A block of all rows is codes u8 [8][32][4], 4
	 * columns of each of 32 rows, 8 times (in Q8_0 with 128 added); then
	 * scales f32 [32]; then in Q4_1 minima f32 [32]. */
	AVX512_NR = 32,
	AVX512_INT8_KC = 512,
	AVX512_INT8_BLOCK_SIZE = AVX512_NR * (32 + 4),
	AVX512_INT8_MIN_BLOCK_SIZE = AVX512_NR * (32 + 8),

	/* Integers of tiles and of small-batch GEMM begin at the bits of the
	 * f32 3 x 2^22, whose last bit counts 1. Adding I, below 2^22, gives
	 * the bits of 3 x 2^22 + I: no conversion is needed. */
	AVX512_INT8_BEGIN = 0x4B400000,

	/* x for GEMV in int8: groups of 16 blocks. Of each four blocks codes
	 * s8 [4][16], columns 0 to 15, and [4][16], columns 16 to 31; then
	 * offsets s32 [16] and scales f32 [16], block 4i + j at 4j + i. */
	AVX512_GEMV_INT8_COLS = 512,
	AVX512_GEMV_INT8_OFFSETS = 512,
	AVX512_GEMV_INT8_SCALES = AVX512_GEMV_INT8_OFFSETS + 64,
	AVX512_GEMV_INT8_SIZE = AVX512_GEMV_INT8_SCALES + 64,
};

quire_prepare_function quire_prepare_int8_avx512vnni;
quire_prepare_function quire_prepare_gemv_int8_avx512vnni;

/* x for tiles and for small-batch GEMM, in tiles of `mr` rows, spread evenly
 * over them or not. */
#define AVX512_X_INT8(mr, sum_factor, spread)                                  \
	{                                                                      \
		.rows = (mr), .group = QUIRE_BLOCK_COLS,                       \
		.size = QUIRE_INT8_SIZE(mr), .factor = (sum_factor),           \
		.begin = QUIRE_HAS_ZERO(sum_factor) ? AVX512_INT8_BEGIN : 0,   \
		.sums_f32 = !QUIRE_HAS_ZERO(sum_factor), .even = (spread),     \
		.prepare = quire_prepare_int8_avx512vnni                       \
	}

extern const struct gemv_form quire_gemv_int8_avx512vnni[];
extern const struct small_form quire_small_int8_avx512vnni[];
extern const struct pack_form quire_pack_int8_avx512vnni[];
extern const struct tile_form quire_tile_int8_avx512vnni[];

#endif
