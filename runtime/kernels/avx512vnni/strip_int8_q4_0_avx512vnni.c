/*
 * strip_int8_q4_0_avx512vnni.c - a few rows of quantized x by strips of Q4_0.
 */
#include "runtime/kernels/avx512vnni/strip_int8_avx512vnni.h"

QUIRE_INLINE struct strip_block read_block(const unsigned char *pair,
					   size_t second)
{
	const unsigned char *codes =
	    pair + AVX512_STRIP_SCALES + second * AVX512_STRIP_NIBBLES;
	struct strip_block block = {
		.d = read_f16_16(pair + second * 32),
	};

	read_nibbles(codes, block.codes);
	return block;
}

static const struct strip_type type = {
	.read = read_block,
	.pair_size = AVX512_STRIP_Q4_0_SIZE,
	.minima = false,
};

void quire_strip_int8_q4_0_avx512vnni(const void *strips, size_t strip_size,
				      size_t rows, size_t k, const void *x,
				      size_t x_size, size_t x_rows, float *y,
				      size_t y_stride)
{
	multiply_strips(strips, strip_size, rows, k, x, x_size, x_rows, y,
			y_stride, &type);
}
