/*
 * few_f32_q8_0_avx512.c - a few rows of f32 x by rows of Q8_0.
 */
#include "runtime/kernels/avx512/few_f32_avx512.h"
#include "runtime/kernels/quantize.h"

/* 16 codes times d: exact. */
static inline __m512 decode_half(const unsigned char *codes, __m512 d)
{
	const __m512i wide =
	    _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)codes));

	return _mm512_mul_ps(_mm512_cvtepi32_ps(wide), d);
}

QUIRE_INLINE void decode_row(const unsigned char *row, size_t cols, float *out)
{
	for (size_t j = 0; j < cols; j += QUIRE_BLOCK_COLS) {
		const unsigned char *codes = row + QUIRE_Q8_0_CODES;
		const __m512 d =
		    _mm512_cvtph_ps(_mm256_set1_epi16((short)load_u16(row)));

		_mm512_store_ps(out + j, decode_half(codes, d));
		_mm512_store_ps(out + j + 16, decode_half(codes + 16, d));
		row += QUIRE_Q8_0_SIZE;
	}
}

static const struct few_type type = {
	.decode = decode_row,
	.block_cols = QUIRE_BLOCK_COLS,
	.block_size = QUIRE_Q8_0_SIZE,
};

FEW_F32_KERNEL(quire_few16_f32_q8_0_avx512, 16, &type)
