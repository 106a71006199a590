/*
 * kernels_scalar.h - the kernels in plain C: the specification of the others,
 * and what runs where no other set does. The f32 preparation is every set's.
 */
#ifndef QUIRE_RUNTIME_KERNELS_SCALAR_KERNELS_SCALAR_H
#define QUIRE_RUNTIME_KERNELS_SCALAR_KERNELS_SCALAR_H

#include "runtime/kernel_set.h"

/* Tile rows of group columns of f32: [rows][group]. */
void quire_prepare_f32_scalar(const struct x_form *form, const float *x,
			      size_t groups, size_t row, void *out);

/* The same, for groups of 1, 2, 4 or 8 columns. */
void quire_prepare_columns_f32_scalar(const struct x_form *form, const float *x,
				      size_t groups, size_t row, void *out);

/* One block of a tile, quantized: codes s8 [rows][32], scales f32 [rows],
 * offsets s32 [rows] (the sum of the codes, times form->factor). */
void quire_prepare_int8_scalar(const struct x_form *form, const float *x,
			       size_t groups, size_t row, void *out);

void quire_vec_f32_q4_0_scalar(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y);
void quire_vec_f32_q4_1_scalar(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y);
void quire_vec_f32_q8_0_scalar(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y);
void quire_vec_f32_f16_scalar(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y);
void quire_vec_f32_bf16_scalar(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y);
void quire_vec_f32_f32_scalar(const void *weights, size_t row_size, size_t rows,
			      size_t k, const void *x, float *y);
void quire_vec_int8_q4_0_scalar(const void *weights, size_t row_size,
				size_t rows, size_t k, const void *x, float *y);
void quire_vec_int8_q4_1_scalar(const void *weights, size_t row_size,
				size_t rows, size_t k, const void *x, float *y);
void quire_vec_int8_q8_0_scalar(const void *weights, size_t row_size,
				size_t rows, size_t k, const void *x, float *y);

void quire_from_f16_scalar(const uint16_t *x, size_t count, float *y);
void quire_to_f16_scalar(const float *x, size_t count, uint16_t *y);

#endif
