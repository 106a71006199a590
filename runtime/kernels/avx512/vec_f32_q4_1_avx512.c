/*
 * vec_f32_q4_1_avx512.c - one row of x by rows of Q4_1, in f32.
 *
 * Each weight is made by itself: sums of x times codes and of x times minima
 * could be far larger than that of x times weights, and so could their errors.
 */
#include "runtime/kernels/avx512/rows_f32_avx512.h"

QUIRE_INLINE __m512 add_step(__m512 sum, const struct packed_step *w,
			     const float *x)
{
	const __m512 values = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					     11, 12, 13, 14, 15);
	__m512 lane = _mm512_setzero_ps();

	QUIRE_UNROLL
	for (unsigned int i = 0; i < 8; i++) {
		const __m512 q = decode_codes(w->codes, i, values);

		lane =
		    _mm512_fmadd_ps(_mm512_fmadd_ps(q, w->d, w->min),
				    _mm512_load_ps(x + (size_t)16 * i), lane);
	}
	return _mm512_add_ps(sum, lane);
}

static const struct rows_type type = {
	.nibbles = &nibbles_q4_1,
	.add = add_step,
};

void quire_vec_f32_q4_1_avx512(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y)
{
	multiply_rows(weights, row_size, rows, k, x, y, &type);
}
