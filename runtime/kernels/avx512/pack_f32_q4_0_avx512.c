/*
 * pack_f32_q4_0_avx512.c - rows of Q4_0 decoded to a panel of f32.
 */
#include "runtime/kernels/avx512/pack_f32_nibbles_avx512.h"

static const struct nibble_decoder type = {
	.load = load_block_q4_0,
	.take = take_q4_0,
	.block_size = QUIRE_Q4_0_SIZE,
	.first = -QUIRE_Q4_0_ZERO,
	.minima = false,
};

void quire_pack_f32_q4_0_avx512(const void *weights, size_t row_size,
				size_t rows, size_t k, void *panel)
{
	pack_panel(weights, row_size, rows, k, panel, &type);
}
