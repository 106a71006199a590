/*
 * few_f32_q8_0_avx2.c - a few rows of f32 x by rows of Q8_0.
 */
#include "runtime/kernels/avx2/few_f32_avx2.h"

QUIRE_INLINE void decode_row(const unsigned char *row, size_t cols, float *out)
{
	decode_columns(row, cols, out, decode_q8_0, QUIRE_Q8_0_SIZE);
}

static const struct few_type type = {
	.decode = decode_row,
	.block_cols = QUIRE_BLOCK_COLS,
	.block_size = QUIRE_Q8_0_SIZE,
};

FEW_F32_KERNEL(quire_few4_f32_q8_0_avx2, 4, &type)
FEW_F32_KERNEL(quire_few8_f32_q8_0_avx2, 8, &type)
