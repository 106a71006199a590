/*
 * rows_f32_avx512.h - a row of f32 x by rows of Q4_0 or Q4_1 as they lie: what
 * the kernels of both types share. Each brings its own way to add four blocks
 * up.
 *
 * A lane of a step has 8 codes in 32 bits. A permute by the lowest 4 bits of
 * each lane turns 16 of the step's 128 codes into numbers, a shift has the next
 * 16 there; x lies in the same order. One row of W at a time, as in int8.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_ROWS_F32_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_ROWS_F32_AVX512_H

#include "runtime/kernels/avx512/kernels_avx512.h"
#include "runtime/kernels/avx512/row_sums_avx512.h"
#include "runtime/kernels/avx512/steps_avx512.h"
#include "runtime/kernels/prefetch.h"

/* Adds a step of W times a group of x to each lane of `sum`. */
typedef __m512 (*add_step_fn)(__m512 sum, const struct packed_step *w,
			      const float *x);

/* A type of weights. Constant wherever it is used, so that all is inlined. */
struct rows_type {
	const struct nibble_type *nibbles;
	add_step_fn add;
};

QUIRE_INLINE __m512 multiply_row(const unsigned char *w, size_t k,
				 const void *group, const void *weights)
{
	const struct rows_type *type = weights;
	const float *x = group;
	const size_t steps = k / AVX512_VEC_F32_COLS;
	const size_t rest = k % AVX512_VEC_F32_COLS / QUIRE_BLOCK_COLS;
	const size_t size = 4 * type->nibbles->size;
	__m512 sum = _mm512_setzero_ps();
	struct packed_step step;

	for (size_t j = 0; j < steps; j++) {
		prefetch_along(w, size);
		step = load_packed(w, 4, type->nibbles);
		sum = type->add(sum, &step, x);
		w += size;
		x += AVX512_VEC_F32_SIZE / sizeof(*x);
	}
	if (rest > 0) {
		prefetch_along(w, rest * type->nibbles->size);
		step = load_packed(w, rest, type->nibbles);
		sum = type->add(sum, &step, x);
	}
	return sum;
}

QUIRE_INLINE void multiply_rows(const void *weights, size_t row_size,
				size_t rows, size_t k, const void *x, float *y,
				const struct rows_type *type)
{
	multiply_each_row(weights, row_size, rows, k, x, y, multiply_row, type);
}

#endif
