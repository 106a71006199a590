/*
 * rows_int8_avx512vnni.h - a row of quantized x by rows of W as they lie: what
 * the kernels of all types of weights share. Each brings its own way to read
 * four blocks.
 *
 * A step is four blocks: lanes 4b to 4b + 3 of every vector belong to block
 * b. One row of W at a time: reading several halves the bandwidth of some
 * machines.
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
#include "runtime/kernels/steps_avx512.h"
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

/* Of codes of 4 bits. */
QUIRE_INLINE struct step unpack_step(const struct packed_step *packed)
{
	const __m512i nibble = _mm512_set1_epi8(15);

	return (struct step){
		.low = _mm512_and_si512(packed->codes, nibble),
		.high = _mm512_and_si512(_mm512_srli_epi16(packed->codes, 4),
					 nibble),
		.d = packed->d,
		.min = packed->min,
	};
}

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

/* The vec form. */
QUIRE_INLINE void multiply_rows(const void *weights, size_t row_size,
				size_t rows, size_t k, const void *x, float *y,
				const struct step_type *type)
{
	const size_t steps = k / AVX512_VEC_INT8_COLS;
	const size_t rest = k % AVX512_VEC_INT8_COLS / QUIRE_BLOCK_COLS;
	const size_t size = 4 * type->block_size;

	assert(k % QUIRE_BLOCK_COLS == 0);
	for (size_t i = 0; i < rows; i++) {
		const unsigned char *w =
		    (const unsigned char *)weights + i * row_size;
		const unsigned char *columns = x;
		__m512 sum = _mm512_setzero_ps();
		struct step step;

		for (size_t j = 0; j < steps; j++) {
			prefetch_along(w, size);
			step = type->load(w, 4);
			sum = add_step(sum, &step, columns, type->minima);
			w += size;
			columns += AVX512_VEC_INT8_SIZE;
		}
		if (rest > 0) {
			step = type->load(w, rest);
			sum = add_step(sum, &step, columns, type->minima);
		}
		y[i] = _mm512_reduce_add_ps(sum);
	}
}

#endif
