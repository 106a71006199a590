/*
 * ops_avx512.h - rows of the tables of the x86 sets with 512-bit vectors: what
 * each kernel has, and its geometry.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_OPS_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_OPS_AVX512_H

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"

/* A row of x as it is. */
#define AVX512_X_ROW                                                           \
	{                                                                      \
		.rows = 1, .group = QUIRE_BLOCK_COLS,                          \
		.size = QUIRE_BLOCK_COLS * sizeof(float),                      \
		.prepare = quire_prepare_f32_scalar                            \
	}

/* For weights whose codes come out of a register four blocks at a time. */
#define AVX512_X_NIBBLES                                                       \
	{                                                                      \
		.rows = 1, .group = AVX512_VEC_F32_COLS,                       \
		.size = AVX512_VEC_F32_SIZE,                                   \
		.prepare = quire_prepare_vec_f32_avx512                        \
	}

#define AVX512_VEC_F32(function)                                               \
	{                                                                      \
		.x = AVX512_X_ROW, .multiply = (function)                      \
	}

#define AVX512_VEC_F32_NIBBLES(function)                                       \
	{                                                                      \
		.x = AVX512_X_NIBBLES, .nr = AVX512_VEC_NR,                    \
		.multiply = (function)                                         \
	}

/* x in tiles of `mr` rows. */
#define AVX512_FEW_F32(function, mr, first, last)                              \
	{                                                                      \
		.x = { .rows = (mr),                                           \
		       .group = AVX512_FEW_F32_LANES / (mr),                   \
		       .size = AVX512_FEW_F32_LANES * sizeof(float),           \
		       .prepare = quire_prepare_columns_f32_scalar },          \
		.from = (first), .most = (last), .nr = AVX512_FEW_F32_NR,      \
		.multiply = (function)                                         \
	}

#define AVX512_FEW_MOST(type)                                                  \
	AVX512_FEW_F32(quire_few16_f32_##type##_avx512, 16, 9,                 \
		       AVX512_FEW_F32_MOST)

/* Weights of 32 bits are read as fast by the vec form up to 4 rows of x, those
 * of 16 bits up to 2. */
#define AVX512_FEW_FLOATS(type)                                                \
	AVX512_FEW_F32(quire_few8_f32_##type##_avx512, 8, 5, 8),               \
	    AVX512_FEW_MOST(type)
#define AVX512_FEW_HALVES(type)                                                \
	AVX512_FEW_F32(quire_few4_f32_##type##_avx512, 4, 3, 4),               \
	    AVX512_FEW_FLOATS(type)
/* Up to 8 rows of x, by lanes that are columns. */
#define AVX512_FEW_COLUMNS(type, x_form)                                       \
	{                                                                      \
		.x = x_form, .from = 2, .most = AVX512_FEW_CODES_MOST,         \
		.nr = AVX512_FEW_F32_NR,                                       \
		.multiply = quire_few_codes_f32_##type##_avx512                \
	}
#define AVX512_FEW_CODES(type)                                                 \
	AVX512_FEW_COLUMNS(type, AVX512_X_ROW), AVX512_FEW_MOST(type)
#define AVX512_FEW_NIBBLES(type)                                               \
	AVX512_FEW_COLUMNS(type, AVX512_X_NIBBLES), AVX512_FEW_MOST(type)

#define AVX512_PANEL_F32(function)                                             \
	{                                                                      \
		.x = { .rows = AVX512_F32_MR,                                  \
		       .group = AVX512_F32_GROUP,                              \
		       .size =                                                 \
			   AVX512_F32_MR * AVX512_F32_GROUP * sizeof(float),   \
		       .prepare = quire_prepare_f32_scalar },                  \
		.nr = AVX512_F32_NR, .kc = AVX512_F32_KC,                      \
		.size = AVX512_F32_PANEL_SIZE, .pack = (function),             \
		.multiply = quire_tile_f32_avx512                              \
	}

#define AVX512_VEC_INT8(function, x_factor)                                    \
	{                                                                      \
		.x = { .rows = 1,                                              \
		       .group = AVX512_VEC_INT8_COLS,                          \
		       .size = AVX512_VEC_INT8_SIZE,                           \
		       .factor = (x_factor),                                   \
		       .prepare = quire_prepare_vec_int8_avx512vnni },         \
		.nr = AVX512_VEC_NR, .multiply = (function)                    \
	}

/* Quantized x in tiles of `mr` rows. */
#define AVX512_X_INT8(mr, x_factor)                                            \
	{                                                                      \
		.rows = (mr), .group = QUIRE_BLOCK_COLS,                       \
		.size = QUIRE_INT8_SIZE(mr), .factor = (x_factor),             \
		.begin = QUIRE_HAS_ZERO(x_factor) ? AVX512_INT8_BEGIN : 0,     \
		.sums_f32 = !QUIRE_HAS_ZERO(x_factor),                         \
		.prepare = quire_prepare_int8_avx512vnni                       \
	}

#define AVX512_FEW_INT8(function, x_factor)                                    \
	{                                                                      \
		.x = AVX512_X_INT8(AVX512_FEW_INT8_MR, x_factor), .from = 2,   \
		.most = QUIRE_FEW_ROWS, .nr = AVX512_FEW_INT8_NR,              \
		.multiply = (function)                                         \
	}

#define AVX512_STRIP_INT8(packs, function, pair_size)                          \
	{                                                                      \
		.rows = AVX512_STRIP_ROWS, .cols = AVX512_STRIP_COLS,          \
		.size = (pair_size), .pack = (packs), .multiply = (function)   \
	}

#define AVX512_PANEL_INT8(packs, tile, panel_size, x_factor)                   \
	{                                                                      \
		.x = AVX512_X_INT8(AVX512_INT8_MR, x_factor), .nr = AVX512_NR, \
		.kc = AVX512_INT8_KC, .size = (panel_size), .pack = (packs),   \
		.multiply = (tile)                                             \
	}

#define AVX512_OP_F32(dtype, type, VEC, FEW)                                   \
	{                                                                      \
		.weights = (dtype), .compute = COMPUTE_F32, .panel_from = 5,   \
		.vec = VEC(quire_vec_f32_##type##_avx512),                     \
		.few = { FEW(type) },                                          \
		.panel = AVX512_PANEL_F32(quire_pack_f32_##type##_avx512),     \
	}

/* `OF` is _MIN and `min` is _min for weights with minima, else nothing. */
#define AVX512_OP_INT8(dtype, type, TYPE, OF, min)                             \
	{                                                                      \
		.weights = (dtype), .compute = COMPUTE_INT8, .panel_from = 33, \
		.vec = AVX512_VEC_INT8(quire_vec_int8_##type##_avx512vnni,     \
				       QUIRE_##TYPE##_FACTOR),                 \
		.few = { AVX512_FEW_INT8(quire_few_int8_##type##_avx512vnni,   \
					 QUIRE_##TYPE##_FACTOR) },             \
		.strip =                                                       \
		    AVX512_STRIP_INT8(quire_pack_strip_##type##_avx512,        \
				      quire_strip_int8_##type##_avx512vnni,    \
				      AVX512_STRIP_##TYPE##_SIZE),             \
		.panel = AVX512_PANEL_INT8(                                    \
		    quire_pack_int8_##type##_avx512vnni,                       \
		    quire_tile_int8##min##_avx512vnni,                         \
		    AVX512_INT8##OF##_PANEL_SIZE, QUIRE_##TYPE##_FACTOR),      \
	}

/* All ops of a set with 512-bit vectors. */
#define AVX512_OPS                                                             \
	{                                                                      \
		AVX512_OP_F32(QUIRE_Q4_0, q4_0, AVX512_VEC_F32_NIBBLES,        \
			      AVX512_FEW_NIBBLES),                             \
		    AVX512_OP_INT8(QUIRE_Q4_0, q4_0, Q4_0, , ),                \
		    AVX512_OP_F32(QUIRE_Q4_1, q4_1, AVX512_VEC_F32_NIBBLES,    \
				  AVX512_FEW_NIBBLES),                         \
		    AVX512_OP_INT8(QUIRE_Q4_1, q4_1, Q4_1, _MIN, _min),        \
		    AVX512_OP_F32(QUIRE_Q8_0, q8_0, AVX512_VEC_F32,            \
				  AVX512_FEW_CODES),                           \
		    AVX512_OP_INT8(QUIRE_Q8_0, q8_0, Q8_0, , ),                \
		    AVX512_OP_F32(QUIRE_F16, f16, AVX512_VEC_F32,              \
				  AVX512_FEW_HALVES),                          \
		    AVX512_OP_F32(QUIRE_BF16, bf16, AVX512_VEC_F32,            \
				  AVX512_FEW_HALVES),                          \
		    AVX512_OP_F32(QUIRE_F32, f32, AVX512_VEC_F32,              \
				  AVX512_FEW_FLOATS),                          \
	}

#endif
