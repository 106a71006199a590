/*
 * pack_f32_q4_0_neon.c - rows of Q4_0 to a panel of f32.
 */
#include "runtime/kernels/neon/pack_f32_neon.h"

void quire_pack_f32_q4_0_neon(const void *weights, size_t row_size, size_t rows,
			      size_t k, void *panel)
{
	pack_f32_neon(weights, row_size, rows, k, panel, decode_q4_0_neon,
		      QUIRE_Q4_0_SIZE);
}
