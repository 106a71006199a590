/*
 * tile_int8_dotprod.c - rows of quantized x by a panel of codes.
 */
#include "runtime/kernels/neon_dotprod/multiply_dotprod.h"

void quire_tile_int8_dotprod(const void *x, const void *panel, size_t k,
			     float *c, bool add)
{
	tile_int8_neon(x, panel, k, c, add, multiply_dotprod, false);
}
