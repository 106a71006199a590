/*
 * pack_int8_q4_0_avx512vnni.c - rows of Q4_0 to a panel of bytes.
 */
#include "runtime/kernels/avx512vnni/few_blocks_avx512vnni.h"
#include "runtime/kernels/avx512vnni/pack_int8_avx512vnni.h"

void quire_pack_int8_q4_0_avx512vnni(const void *weights, size_t row_size,
				     size_t rows, size_t k, void *panel)
{
	pack_panel(weights, row_size, rows, k, panel, &few_q4_0);
}
