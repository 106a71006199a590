/*
 * few_codes_f32_q8_0_avx512.c - up to 8 rows of f32 x by rows of Q8_0. Columns
 * of x are in their own order.
 */
#include "base/bytes.h"
#include "runtime/kernels/avx512/few_codes_f32_avx512.h"

/* Exact: 8 bits times 11. */
QUIRE_INLINE __m512 decode(const struct packed_step *step,
			   const unsigned char *w, unsigned int i)
{
	const unsigned char *block = w + (size_t)(i / 2) * QUIRE_Q8_0_SIZE;
	const __m128i codes = _mm_loadu_si128(
	    (const void *)(block + QUIRE_Q8_0_CODES + (size_t)16 * (i % 2)));
	const __m512 d =
	    _mm512_cvtph_ps(_mm256_set1_epi16((short)load_u16(block)));

	(void)step;
	return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)),
			     d);
}

static const struct codes_type type = {
	.decode = decode,
	.block_size = QUIRE_Q8_0_SIZE,
	.x_step = AVX512_VEC_F32_COLS,
};

void quire_few_codes_f32_q8_0_avx512(const void *weights, size_t row_size,
				     size_t rows, size_t k, const void *x,
				     size_t x_size, size_t x_rows, float *y,
				     size_t y_stride)
{
	multiply_few_codes(weights, row_size, rows, k, x, x_size, x_rows, y,
			   y_stride, &type);
}
