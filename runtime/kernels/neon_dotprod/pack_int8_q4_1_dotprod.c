/*
 * pack_int8_q4_1_dotprod.c - rows of Q4_1 to a panel of signed codes.
 */
#include "runtime/kernels/neon/pack_int8_neon.h"

void quire_pack_int8_q4_1_dotprod(const void *weights, size_t row_size,
				  size_t rows, size_t k, void *panel)
{
	const struct pack_int8_neon how = {
		.block_size = QUIRE_Q4_1_SIZE,
		.codes = codes_q4_1_neon,
		.order = order_for_dotprod,
		.minima = true,
	};

	pack_int8_neon(weights, row_size, rows, k, panel, how);
}
