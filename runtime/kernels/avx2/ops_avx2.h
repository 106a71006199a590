/*
 * ops_avx2.h - rows of the tables of the x86 sets with 256-bit vectors: what
 * of their geometry is the same.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_OPS_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_OPS_AVX2_H

#include "runtime/kernels/avx2/kernels_avx2.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/kernels_scalar.h"

/* x in tiles of `mr` rows. */
#define AVX2_FEW_F32(function, mr, first, last)                                \
	{                                                                      \
		.x = { .rows = (mr),                                           \
		       .group = AVX2_FEW_F32_LANES / (mr),                     \
		       .size = AVX2_FEW_F32_LANES * sizeof(float),             \
		       .prepare = quire_prepare_columns_f32_scalar },          \
		.from = (first), .most = (last), .nr = AVX2_FEW_F32_NR,        \
		.multiply = (function)                                         \
	}

/* By the vec form two rows of Q8_0, and three of plain weights, are as fast. */
#define AVX2_FEW_F32_8(type)                                                   \
	AVX2_FEW_F32(quire_few8_f32_##type##_avx2, 8, 5, AVX2_FEW_F32_MOST)
#define AVX2_FEW_PLAIN(type)                                                   \
	AVX2_FEW_F32(quire_few4_f32_##type##_avx2, 4, 4, 4),                   \
	    AVX2_FEW_F32_8(type)
#define AVX2_FEW_BYTES(type)                                                   \
	AVX2_FEW_F32(quire_few4_f32_##type##_avx2, 4, 3, 4),                   \
	    AVX2_FEW_F32_8(type)
#define AVX2_FEW_NIBBLES(type)                                                 \
	AVX2_FEW_F32(quire_few2_f32_##type##_avx2, 2, 2, 2),                   \
	    AVX2_FEW_BYTES(type)

#define AVX2_OP_F32(dtype, type, FEW)                                            \
	{                                                                        \
		.weights = (dtype), .compute = COMPUTE_F32, .panel_from = 5,   \
		.few = { FEW(type) },                                          \
		.vec = {                                                       \
			.x = { .rows = 1,                                      \
			       .group = QUIRE_BLOCK_COLS,                      \
			       .size = QUIRE_BLOCK_COLS * sizeof(float),       \
			       .prepare = quire_prepare_f32_scalar },          \
			.multiply = quire_vec_f32_##type##_avx2,               \
		},                                                             \
		.panel = {                                                     \
			.x = { .rows = AVX2_F32_MR,                            \
			       .group = AVX2_F32_KC,                           \
			       .size = AVX2_F32_MR * AVX2_F32_KC *             \
				       sizeof(float),                          \
			       .prepare = quire_prepare_f32_scalar },          \
			.nr = AVX2_NR,                                         \
			.kc = AVX2_F32_KC,                                     \
			.size = AVX2_F32_PANEL_SIZE,                           \
			.pack = quire_pack_f32_##type##_avx2,                  \
			.multiply = quire_tile_f32_avx2,                       \
		}, \
	}

#define AVX2_X_VEC_INT8(x_factor)                                              \
	{                                                                      \
		.rows = 1, .group = AVX2_VEC_INT8_BLOCKS * QUIRE_BLOCK_COLS,   \
		.size = AVX2_VEC_INT8_SIZE, .factor = (x_factor),              \
		.prepare = quire_prepare_vec_int8_avx2                         \
	}

/* `OF` is _MIN for weights with minima, else nothing. */
#define AVX2_OP_INT8(dtype, type, isa, OF, x_factor)                             \
	{                                                                        \
		.weights = (dtype), .compute = COMPUTE_INT8, .panel_from = 6,  \
		.vec = {                                                       \
			.x = AVX2_X_VEC_INT8(x_factor),                        \
			.multiply = quire_vec_int8_##type##_##isa,             \
		},                                                             \
		.few = { {                                                     \
			.x = AVX2_X_VEC_INT8(x_factor),                        \
			.from = 2,                                             \
			.most = QUIRE_FEW_ROWS,                                \
			.nr = AVX2_FEW_INT8_NR,                                \
			.multiply = quire_few_int8_##type##_##isa,             \
		} },                                                           \
		.panel = {                                                     \
			.x = { .rows = AVX2_INT8_MR,                           \
			       .group = QUIRE_BLOCK_COLS,                      \
			       .size = QUIRE_INT8_SIZE(AVX2_INT8_MR),          \
			       .factor = (x_factor),                           \
			       .prepare = quire_prepare_int8_avx2 },           \
			.nr = AVX2_NR,                                         \
			.kc = AVX2_INT8_KC,                                    \
			.size = AVX2_INT8##OF##_PANEL_SIZE,                    \
			.pack = quire_pack_int8_##type##_avx2,                 \
			.multiply = quire_tile_int8_##type##_##isa,            \
		}, \
	}

/* All ops of a set whose int8 kernels are for `isa`. */
#define AVX2_OPS(isa)                                                          \
	{                                                                      \
		AVX2_OP_F32(QUIRE_Q4_0, q4_0, AVX2_FEW_NIBBLES),               \
		    AVX2_OP_INT8(QUIRE_Q4_0, q4_0, isa, , QUIRE_Q4_0_FACTOR),  \
		    AVX2_OP_F32(QUIRE_Q4_1, q4_1, AVX2_FEW_NIBBLES),           \
		    AVX2_OP_INT8(QUIRE_Q4_1, q4_1, isa, _MIN,                  \
				 QUIRE_Q4_1_FACTOR),                           \
		    AVX2_OP_F32(QUIRE_Q8_0, q8_0, AVX2_FEW_BYTES),             \
		    AVX2_OP_INT8(QUIRE_Q8_0, q8_0, isa, , QUIRE_Q8_0_FACTOR),  \
		    AVX2_OP_F32(QUIRE_F16, f16, AVX2_FEW_PLAIN),               \
		    AVX2_OP_F32(QUIRE_BF16, bf16, AVX2_FEW_PLAIN),             \
		    AVX2_OP_F32(QUIRE_F32, f32, AVX2_FEW_PLAIN),               \
	}

#endif
