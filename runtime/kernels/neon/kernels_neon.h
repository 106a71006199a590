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
void quire_prepare_int8_neon(const struct x_form *form, const float *x,
			     size_t groups, size_t row, void *out);

void quire_vec_f32_q4_0_neon(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y);
void quire_vec_f32_q4_1_neon(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y);
void quire_vec_f32_q8_0_neon(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y);
void quire_vec_f32_f16_neon(const void *weights, size_t row_size, size_t rows,
			    size_t k, const void *x, float *y);
void quire_vec_f32_bf16_neon(const void *weights, size_t row_size, size_t rows,
			     size_t k, const void *x, float *y);
void quire_vec_f32_f32_neon(const void *weights, size_t row_size, size_t rows,
			    size_t k, const void *x, float *y);
void quire_vec_int8_q4_0_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y);
void quire_vec_int8_q4_1_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y);
void quire_vec_int8_q8_0_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y);
void quire_vec_int8_q4_0_dotprod(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 float *y);
void quire_vec_int8_q4_1_dotprod(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 float *y);
void quire_vec_int8_q8_0_dotprod(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 float *y);

/* Panels for f32: [k][8] f32, zeros up to a multiple of 4 columns. */
void quire_pack_f32_q4_0_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, void *panel);
void quire_pack_f32_q4_1_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, void *panel);
void quire_pack_f32_q8_0_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, void *panel);
void quire_pack_f32_f16_neon(const void *weights, size_t row_size, size_t rows,
			     size_t k, void *panel);
void quire_pack_f32_bf16_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, void *panel);
void quire_pack_f32_f32_neon(const void *weights, size_t row_size, size_t rows,
			     size_t k, void *panel);

/* Panels for int8, of each block: signed codes (those of Q4_0 less 8), 8
 * scales f32 and, of Q4_1, 8 minima f32. For dotprod the codes are
 * [8][8][4]: 4 columns of each of 8 rows, 8 times. For i8mm they are
 * [4][4][2][8]: 8 columns of each of 4 pairs of rows, 4 times. */
void quire_pack_int8_q4_0_dotprod(const void *weights, size_t row_size,
				  size_t rows, size_t k, void *panel);
void quire_pack_int8_q4_1_dotprod(const void *weights, size_t row_size,
				  size_t rows, size_t k, void *panel);
void quire_pack_int8_q8_0_dotprod(const void *weights, size_t row_size,
				  size_t rows, size_t k, void *panel);
void quire_pack_int8_q4_0_i8mm(const void *weights, size_t row_size,
			       size_t rows, size_t k, void *panel);
void quire_pack_int8_q4_1_i8mm(const void *weights, size_t row_size,
			       size_t rows, size_t k, void *panel);
void quire_pack_int8_q8_0_i8mm(const void *weights, size_t row_size,
			       size_t rows, size_t k, void *panel);

void quire_tile_f32_neon(const void *x, const void *panel, size_t k, float *c,
			 bool add);
void quire_tile_int8_dotprod(const void *x, const void *panel, size_t k,
			     float *c, bool add);
void quire_tile_int8_min_dotprod(const void *x, const void *panel, size_t k,
				 float *c, bool add);
void quire_tile_int8_i8mm(const void *x, const void *panel, size_t k, float *c,
			  bool add);
void quire_tile_int8_min_i8mm(const void *x, const void *panel, size_t k,
			      float *c, bool add);

void quire_from_f16_neon(const uint16_t *x, size_t count, float *y);
void quire_to_f16_neon(const float *x, size_t count, uint16_t *y);

#endif
