/*
 * vec_int8_q4_1_avx512vnni.c - a row of quantized x by rows of Q4_1.
 */
#include "runtime/kernels/nibble_rows_int8_avx512vnni.h"

QUIRE_INLINE struct step load_step(const unsigned char *w, size_t blocks)
{
	return load_nibbles(w, blocks, &nibbles_q4_1);
}

static const struct step_type type = {
	.load = load_step,
	.add_quarters = add_quarters,
	.block_size = QUIRE_Q4_1_SIZE,
	.minima = true,
};

void quire_vec_int8_q4_1_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    float *y)
{
	multiply_rows(weights, row_size, rows, k, x, y, &type);
}
