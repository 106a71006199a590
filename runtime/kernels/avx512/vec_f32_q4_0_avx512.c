/*
 * vec_f32_q4_0_avx512.c - one row of x by rows of Q4_0, in f32.
 *
 * Scales come in once a step, for each lane the sum of its 8 columns: x times
 * codes. These could overflow where x times weights does not, so where x is
 * large each weight is scaled by itself.
 */
#include <stdbool.h>
#include <string.h>

#include "runtime/kernels/avx512/rows_f32_avx512.h"

QUIRE_INLINE __m512 add_codes(__m512 sum, const struct packed_step *w,
			      const float *x)
{
	const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					     1, 2, 3, 4, 5, 6, 7);
	__m512 lane =
	    _mm512_mul_ps(decode_codes(w->codes, 0, values), _mm512_load_ps(x));

	QUIRE_UNROLL
	for (unsigned int i = 1; i < 8; i++)
		lane =
		    _mm512_fmadd_ps(decode_codes(w->codes, i, values),
				    _mm512_load_ps(x + (size_t)16 * i), lane);
	return _mm512_fmadd_ps(lane, w->d, sum);
}

/* Takes vectors, not a step: its address would keep it in memory. */
static __m512 add_weights(__m512 sum, __m512i codes, __m512 d, const float *x)
{
	const __m512 values = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0,
					     1, 2, 3, 4, 5, 6, 7);
	__m512 lane = _mm512_setzero_ps();

	for (unsigned int i = 0; i < 8; i++)
		lane = _mm512_fmadd_ps(
		    _mm512_mul_ps(decode_codes(codes, i, values), d),
		    _mm512_load_ps(x + (size_t)16 * i), lane);
	return _mm512_add_ps(sum, lane);
}

/* Compared as an integer, which the busy ports have no part in. */
QUIRE_INLINE bool is_large(const float *x)
{
	uint32_t large;

	memcpy(&large, x + AVX512_VEC_F32_LARGE, sizeof(large));
	return large != 0;
}

QUIRE_INLINE __m512 add_step(__m512 sum, const struct packed_step *w,
			     const float *x)
{
	return is_large(x) ? add_weights(sum, w->codes, w->d, x)
			   : add_codes(sum, w, x);
}

static const struct rows_type type = {
	.nibbles = &nibbles_q4_0,
	.add = add_step,
};

void quire_vec_f32_q4_0_avx512(const void *weights, size_t row_size,
			       size_t rows, size_t k, const void *x, float *y)
{
	multiply_rows(weights, row_size, rows, k, x, y, &type);
}
