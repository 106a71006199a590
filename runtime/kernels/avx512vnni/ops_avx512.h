/*
 * ops_avx512.h - what the rows of the AVX-512 int8 kernels have in common.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_OPS_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_OPS_AVX512_H

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/quantize.h"

#define AVX512_GEMV_INT8(type, function)                                       \
	{                                                                      \
		.weights = QUIRE_##type,                                       \
		.x = { .rows = 1,                                              \
		       .group = AVX512_VEC_INT8_COLS,                          \
		       .size = AVX512_VEC_INT8_SIZE,                           \
		       .factor = QUIRE_##type##_FACTOR,                        \
		       .prepare = quire_prepare_vec_int8_avx512vnni },         \
		.nr = AVX512_VEC_NR, .multiply = (function)                    \
	}

/* Quantized x in tiles of `mr` rows. */
#define AVX512_X_INT8(mr, sum_factor)                                          \
	{                                                                      \
		.rows = (mr), .group = QUIRE_BLOCK_COLS,                       \
		.size = QUIRE_INT8_SIZE(mr), .factor = (sum_factor),           \
		.begin = QUIRE_HAS_ZERO(sum_factor) ? AVX512_INT8_BEGIN : 0,   \
		.sums_f32 = !QUIRE_HAS_ZERO(sum_factor),                       \
		.prepare = quire_prepare_int8_avx512vnni                       \
	}

#define AVX512_SMALL_INT8(type, function, pack_strip, multiply_strips)         \
	{                                                                      \
		.weights = QUIRE_##type,                                       \
		.x = AVX512_X_INT8(AVX512_FEW_INT8_MR, QUIRE_##type##_FACTOR), \
		.from = 2, .most = QUIRE_SMALL_ROWS, .nr = AVX512_FEW_INT8_NR, \
		.multiply = (function), .prepacked = {                         \
			.rows = AVX512_STRIP_ROWS,                             \
			.cols = AVX512_STRIP_COLS,                             \
			.size = AVX512_STRIP_##type##_SIZE,                    \
			.pack = (pack_strip),                                  \
			.multiply = (multiply_strips)                          \
		}                                                              \
	}

#endif
