/*
 * few_codes_f32_q4_1_avx512.c - up to 8 rows of f32 x by rows of Q4_1. A weight
 * is rounded once.
 */
#include "runtime/kernels/avx512/few_codes_f32_avx512.h"

QUIRE_INLINE __m512 decode(const struct packed_step *step,
			   const unsigned char *w, unsigned int i)
{
	const __m512 values = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					     11, 12, 13, 14, 15);

	(void)w;
	return _mm512_fmadd_ps(decode_codes(step->codes, i, values), step->d,
			       step->min);
}

static const struct codes_type type = {
	.decode = decode,
	.nibbles = &nibbles_q4_1,
	.block_size = QUIRE_Q4_1_SIZE,
	.x_step = AVX512_VEC_F32_SIZE / sizeof(float),
};

void quire_few_codes_f32_q4_1_avx512(const void *weights, size_t row_size,
				     size_t rows, size_t k, const void *x,
				     size_t x_size, size_t x_rows, float *y,
				     size_t y_stride)
{
	multiply_few_codes(weights, row_size, rows, k, x, x_size, x_rows, y,
			   y_stride, &type);
}
