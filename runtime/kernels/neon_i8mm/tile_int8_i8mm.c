/*
 * tile_int8_i8mm.c - rows of quantized x by a panel of codes.
 */
#include "runtime/kernels/neon_i8mm/multiply_i8mm.h"

void quire_tile_int8_i8mm(const void *x, const void *panel, size_t k, float *c,
			  bool add)
{
	tile_int8_neon(x, panel, k, c, add, multiply_i8mm, false);
}
