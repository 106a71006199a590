/*
 * kernels_avxvnni.h - the kernels for AVX-VNNI. Their geometry, and what they
 * take of x and of panels, is that of AVX2's int8 kernels.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVXVNNI_KERNELS_AVXVNNI_H
#define QUIRE_RUNTIME_KERNELS_AVXVNNI_KERNELS_AVXVNNI_H

#include "runtime/kernels/avx2/kernels_avx2.h"

void quire_vec_int8_q4_0_avxvnni(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 float *y);
void quire_vec_int8_q4_1_avxvnni(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 float *y);
void quire_vec_int8_q8_0_avxvnni(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 float *y);

void quire_few_int8_q4_0_avxvnni(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride);
void quire_few_int8_q4_1_avxvnni(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride);
void quire_few_int8_q8_0_avxvnni(const void *weights, size_t row_size,
				 size_t rows, size_t k, const void *x,
				 size_t x_size, size_t x_rows, float *y,
				 size_t y_stride);

void quire_tile_int8_q4_0_avxvnni(const void *x, const void *panel, size_t k,
				  float *c, bool add);
void quire_tile_int8_q4_1_avxvnni(const void *x, const void *panel, size_t k,
				  float *c, bool add);
void quire_tile_int8_q8_0_avxvnni(const void *x, const void *panel, size_t k,
				  float *c, bool add);

#endif
