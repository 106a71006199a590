/*
 * few_f32_f16_avx2.c - a few rows of f32 x by rows of F16.
 */
#include "runtime/kernels/avx2/few_f32_avx2.h"

QUIRE_INLINE void decode_row(const unsigned char *row, size_t cols, float *out)
{
	decode_columns(row, cols, out, decode_f16, QUIRE_BLOCK_COLS * 2);
}

static const struct few_type type = {
	.decode = decode_row,
	.block_cols = 1,
	.block_size = sizeof(uint16_t),
};

FEW_F32_KERNEL(quire_few4_f32_f16_avx2, 4, &type)
FEW_F32_KERNEL(quire_few8_f32_f16_avx2, 8, &type)
