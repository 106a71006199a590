/*
 * rows_int8_avx512vnni.h - a row of quantized x by rows of W as they lie: what
 * the kernels of all types of weights share. Each brings its own way to read
 * 16 blocks and to add up what comes of them.
 *
 * A step is 16 blocks, four to a vector. Their sums of integers are added up
 * to one for each block before they become f32, so that conversions and scales
 * are once for all 16. One row of W at a time: reading several halves the
 * bandwidth of some machines.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_ROWS_INT8_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_ROWS_INT8_AVX512VNNI_H

#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <immintrin.h>

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/row_sums_avx512.h"
#include "runtime/kernels/prefetch.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* 16 blocks of a row of W. Block 4i + j is quarter j of low[i] and high[i],
 * lane 4j + i of the scales and minima. */
struct step {
	__m512i low[4], high[4]; /* codes u8 of columns 0 to 15, 16 to 31 */
	__m512 d, min;
};

/* Reads `blocks` blocks, at most 16; for those that are not there any codes,
 * and scales that are finite. Asks for as many later ones: at once or bit by
 * bit, as is faster for a type. */
typedef struct step (*load_step_fn)(const unsigned char *w, size_t blocks);

/* `start` and the sum of quarter j of sums[i], in lane 4j + i. */
typedef __m512i (*add_quarters_fn)(__m512i start, const __m512i sums[4]);

/* A type of weights. Constant wherever it is used, so that all is inlined. */
struct step_type {
	load_step_fn load;
	add_quarters_fn add_quarters;
	size_t block_size;
	bool minima;
};

/* Adds a step of W times a group of x to each lane of `sum`. */
QUIRE_INLINE __m512 add_step(__m512 sum, const struct step *w,
			     const unsigned char *x,
			     const struct step_type *type)
{
	const __m512i zero = _mm512_setzero_si512();
	const __m512i offsets = _mm512_load_si512(x + AVX512_VEC_INT8_OFFSETS);
	const __m512 scales = _mm512_load_ps(x + AVX512_VEC_INT8_SCALES);
	__m512i sums[4];
	__m512 blocks;

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const unsigned char *codes = x + 128 * i;

		sums[i] = _mm512_dpbusd_epi32(zero, w->low[i],
					      _mm512_load_si512(codes));
		sums[i] = _mm512_dpbusd_epi32(sums[i], w->high[i],
					      _mm512_load_si512(codes + 64));
	}
	blocks = _mm512_cvtepi32_ps(
	    type->add_quarters(type->minima ? zero : offsets, sums));
	if (!type->minima)
		return _mm512_fmadd_ps(blocks, _mm512_mul_ps(w->d, scales),
				       sum);
	blocks = _mm512_fmadd_ps(w->min, _mm512_cvtepi32_ps(offsets),
				 _mm512_mul_ps(blocks, w->d));
	return _mm512_fmadd_ps(blocks, scales, sum);
}

QUIRE_INLINE __m512 multiply_row(const unsigned char *w, size_t k,
				 const void *group, const void *weights)
{
	const struct step_type *type = weights;
	const unsigned char *x = group;
	const size_t steps = k / AVX512_VEC_INT8_COLS;
	const size_t rest = k % AVX512_VEC_INT8_COLS / QUIRE_BLOCK_COLS;
	__m512 sum = _mm512_setzero_ps();
	struct step step;

	for (size_t j = 0; j < steps; j++) {
		step = type->load(w, 16);
		sum = add_step(sum, &step, x, type);
		w += 16 * type->block_size;
		x += AVX512_VEC_INT8_SIZE;
	}
	if (rest > 0) {
		step = type->load(w, rest);
		sum = add_step(sum, &step, x, type);
	}
	return sum;
}

/* The vec form. */
QUIRE_INLINE void multiply_rows(const void *weights, size_t row_size,
				size_t rows, size_t k, const void *x, float *y,
				const struct step_type *type)
{
	multiply_each_row(weights, row_size, rows, k, x, y, multiply_row, type);
}

#endif
