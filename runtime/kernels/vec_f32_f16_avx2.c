/*
 * vec_f32_f16_avx2.c - one row of x by rows of F16, in f32.
 */
#include "runtime/kernels/vec_f32_avx2.h"

QUIRE_INLINE void decode(const unsigned char *weights, __m256 w[4])
{
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		w[i] = _mm256_cvtph_ps(
		    _mm_loadu_si128((const void *)(weights + 16 * i)));
}

void quire_vec_f32_f16_avx2(const void *weights, size_t row_size, size_t rows,
			    size_t k, const void *x, float *y)
{
	multiply_columns(weights, row_size, rows, k, x, y, decode,
			 QUIRE_BLOCK_COLS * 2);
}
