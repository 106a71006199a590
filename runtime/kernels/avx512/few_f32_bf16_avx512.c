/*
 * few_f32_bf16_avx512.c - a few rows of f32 x by rows of BF16.
 */
#include "runtime/kernels/avx512/few_f32_avx512.h"

QUIRE_INLINE void decode_row(const unsigned char *row, size_t cols, float *out)
{
	for (size_t j = 0; j < cols; j += 16) {
		const __m256i x = _mm256_maskz_loadu_epi16(
		    lanes_left(cols - j), row + j * sizeof(uint16_t));

		/* A BF16 is the upper half of an f32. */
		_mm512_store_si512(
		    out + j, _mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
	}
}

static const struct few_type type = {
	.decode = decode_row,
	.block_cols = 1,
	.block_size = sizeof(uint16_t),
};

FEW_F32_KERNEL(quire_few4_f32_bf16_avx512, 4, &type)
FEW_F32_KERNEL(quire_few8_f32_bf16_avx512, 8, &type)
FEW_F32_KERNEL(quire_few16_f32_bf16_avx512, 16, &type)
