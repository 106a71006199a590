/*
 * tile_int8_q4_1_avx2.c - rows of quantized x by a panel of Q4_1.
 */
#include "runtime/kernels/avx2/maddubs_avx2.h"
#include "runtime/kernels/avx2/tile_int8_avx2.h"

void quire_tile_int8_q4_1_avx2(const void *x, const void *panel, size_t k,
			       float *c, bool add)
{
	multiply_tile(x, panel, k, c, add, &small_avx2, true);
}
