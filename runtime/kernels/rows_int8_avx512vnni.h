/*
 * rows_int8_avx512vnni.h - a few rows of quantized x by rows of W as they
 * lie: what the kernels of all types of weights share. Each brings its
 * own way to read four blocks.
 *
 * A step is four blocks: lanes 4b to 4b + 3 of every vector belong to block
 * b. One row of W at a time: reading several halves the bandwidth of some
 * machines. Rows of x share what is unpacked of W.
 */
#ifndef QUIRE_KERNELS_ROWS_INT8_AVX512VNNI_H
#define QUIRE_KERNELS_ROWS_INT8_AVX512VNNI_H

#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <assert.h>
#include <immintrin.h>

#include "runtime/kernels/kernels_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* Four blocks of a row of W. */
struct step {
	__m512i low, high; /* unsigned codes of columns 0 to 15 and 16 to 31 */
	__m512 d, min;
};

/* Reads `blocks` blocks, at most 4; for those that are not there any codes,
 * and scales that are finite. */
typedef struct step (*load_step_fn)(const unsigned char *w, size_t blocks);

/* A type of weights. Constant wherever it is used, so that all is inlined. */
struct step_type {
	load_step_fn load;
	size_t block_size;
	bool minima;
};

QUIRE_INLINE __m512 add_step(__m512 sum, const struct step *w,
			     const unsigned char *x, bool minima)
{
	const __m512i offsets = _mm512_load_si512(x + 128);
	const __m512 scales = _mm512_load_ps(x + 192);
	__m512i s = minima ? _mm512_setzero_si512() : offsets;
	__m512 block;

	s = _mm512_dpbusd_epi32(s, w->low, _mm512_load_si512(x));
	s = _mm512_dpbusd_epi32(s, w->high, _mm512_load_si512(x + 64));
	block = _mm512_cvtepi32_ps(s);
	if (!minima)
		return _mm512_fmadd_ps(block, _mm512_mul_ps(w->d, scales), sum);
	block = _mm512_fmadd_ps(w->min, _mm512_cvtepi32_ps(offsets),
				_mm512_mul_ps(block, w->d));
	return _mm512_fmadd_ps(block, scales, sum);
}

/* x_rows rows of x, a constant number, by rows of W, one at a time. */
QUIRE_INLINE void multiply_rows(const void *weights, size_t row_size,
				size_t rows, size_t k, const unsigned char *x,
				size_t x_size, size_t x_rows, float *y,
				size_t y_stride, const struct step_type *type)
{
	const size_t steps = k / AVX512_VEC_INT8_COLS;
	const size_t rest = k % AVX512_VEC_INT8_COLS / QUIRE_BLOCK_COLS;
	const size_t size = 4 * type->block_size;

	for (size_t i = 0; i < rows; i++) {
		const unsigned char *w =
		    (const unsigned char *)weights + i * row_size;
		const unsigned char *columns = x;
		__m512 sum[QUIRE_FEW_ROWS];
		struct step step;

		QUIRE_UNROLL
		for (size_t m = 0; m < x_rows; m++)
			sum[m] = _mm512_setzero_ps();
		for (size_t j = 0; j < steps; j++) {
			prefetch_along(w, size);
			step = type->load(w, 4);
			QUIRE_UNROLL
			for (size_t m = 0; m < x_rows; m++)
				sum[m] = add_step(sum[m], &step,
						  columns + m * x_size,
						  type->minima);
			w += size;
			columns += AVX512_VEC_INT8_SIZE;
		}
		if (rest > 0) {
			step = type->load(w, rest);
			for (size_t m = 0; m < x_rows; m++)
				sum[m] = add_step(sum[m], &step,
						  columns + m * x_size,
						  type->minima);
		}
		QUIRE_UNROLL
		for (size_t m = 0; m < x_rows; m++)
			y[m * y_stride + i] = _mm512_reduce_add_ps(sum[m]);
	}
}

/* The vec form. */
QUIRE_INLINE void multiply_one(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y,
			       const struct step_type *type)
{
	assert(k % QUIRE_BLOCK_COLS == 0);
	multiply_rows(weights, row_size, rows, k, x, 0, 1, y, 0, type);
}

/* The vec form for up to QUIRE_FEW_ROWS rows of x. */
QUIRE_INLINE void multiply_few(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x,
			       size_t x_size, size_t x_rows, float *y,
			       size_t y_stride, const struct step_type *type)
{
	_Static_assert(QUIRE_FEW_ROWS == 4, "one case for each count");
	assert(k % QUIRE_BLOCK_COLS == 0);
	assert(x_rows >= 1 && x_rows <= QUIRE_FEW_ROWS);
	switch (x_rows) {
	case 1:
		multiply_one(weights, row_size, rows, k, x, y, type);
		break;
	case 2:
		multiply_rows(weights, row_size, rows, k, x, x_size, 2, y,
			      y_stride, type);
		break;
	case 3:
		multiply_rows(weights, row_size, rows, k, x, x_size, 3, y,
			      y_stride, type);
		break;
	default:
		multiply_rows(weights, row_size, rows, k, x, x_size, 4, y,
			      y_stride, type);
	}
}

#endif
