/*
 * tile_int8_avx512vnni.c - rows of quantized x by a panel without minima: of
 * Q4_0 and Q8_0.
 */
#include "runtime/kernels/avx512vnni/tile_int8_avx512vnni.h"

void quire_tile_int8_avx512vnni(const void *x, const void *panel, size_t k,
				float *c, bool add)
{
	multiply_tile(x, panel, k, c, add, false);
}
