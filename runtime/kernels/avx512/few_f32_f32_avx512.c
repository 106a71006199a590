/*
 * few_f32_f32_avx512.c - a few rows of f32 x by rows of F32.
 */
#include "runtime/kernels/avx512/few_f32_avx512.h"

QUIRE_INLINE void decode_row(const unsigned char *row, size_t cols, float *out)
{
	for (size_t j = 0; j < cols; j += 16) {
		_mm512_store_ps(out + j,
				_mm512_maskz_loadu_ps(lanes_left(cols - j),
						      row + j * sizeof(float)));
	}
}

static const struct few_type type = {
	.decode = decode_row,
	.block_cols = 1,
	.block_size = sizeof(float),
};

FEW_F32_KERNEL(quire_few8_f32_f32_avx512, 8, &type)
FEW_F32_KERNEL(quire_few16_f32_f32_avx512, 16, &type)
