/*
 * vec_int8_q4_0_avx512vnni.c - a row of quantized x by rows of Q4_0.
 */
#include "runtime/kernels/rows_int8_avx512vnni.h"

/* A block is 9 words: its scale is word 0, its codes words 1 to 8. Of the
 * fourth block the first 64 bytes have only half. */
static const _Alignas(64) uint16_t code_words[32] = {
	1,  2,	3,  4,	5,  6,	7,  8,	10, 11, 12, 13, 14, 15, 16, 17,
	19, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31, 0,  1,	2,  3
};
static const _Alignas(64) uint16_t scale_words[32] = {
	0, 0, 0, 0, 9,	9,  9,	9,  18, 18, 18, 18, 27, 27, 27, 27,
	4, 4, 4, 4, 13, 13, 13, 13, 22, 22, 22, 22, 31, 31, 31, 31
};

QUIRE_INLINE struct step load_step(const unsigned char *w, size_t blocks)
{
	const __m512i nibble = _mm512_set1_epi8(15);
	const __mmask64 bytes =
	    ((__mmask64)1 << blocks % 4 * QUIRE_Q4_0_SIZE) - 1;
	const __m512i head = blocks == 4 ? _mm512_loadu_si512(w)
					 : _mm512_maskz_loadu_epi8(bytes, w);
	__m512i codes =
	    _mm512_permutexvar_epi16(_mm512_load_si512(code_words), head);
	const __m512i scales =
	    _mm512_permutexvar_epi16(_mm512_load_si512(scale_words), head);

	if (blocks == 4)
		codes = _mm512_inserti32x4(
		    codes, _mm_loadu_si128((const void *)(w + 56)), 3);
	return (struct step){
		.low = _mm512_and_si512(codes, nibble),
		.high = _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble),
		.d = _mm512_cvtph_ps(_mm512_castsi512_si256(scales)),
	};
}

static const struct step_type type = {
	.load = load_step,
	.block_size = QUIRE_Q4_0_SIZE,
	.minima = false,
};

void quire_vec_int8_q4_0_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    float *y)
{
	multiply_rows(weights, row_size, rows, k, x, y, &type);
}
