/*
 * pack_int8_q4_0_i8mm.c - rows of Q4_0 to a panel of signed codes.
 */
#include "runtime/kernels/neon/pack_int8_neon.h"

void quire_pack_int8_q4_0_i8mm(const void *weights, size_t row_size,
			       size_t rows, size_t k, void *panel)
{
	const struct pack_int8_neon how = {
		.block_size = QUIRE_Q4_0_SIZE,
		.codes = codes_q4_0_neon,
		.order = order_for_i8mm,
		.minima = false,
	};

	pack_int8_neon(weights, row_size, rows, k, panel, how);
}
