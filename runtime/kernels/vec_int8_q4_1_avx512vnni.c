/*
 * vec_int8_q4_1_avx512vnni.c - a row of quantized x by rows of Q4_1.
 */
#include "runtime/kernels/rows_int8_avx512vnni.h"

/* A block is 10 words: its scale is word 0, its minimum word 1, its codes
 * words 2 to 9. Of the fourth block the first 64 bytes have no codes. */
static const _Alignas(64) uint16_t code_words[32] = {
	2,  3,	4,  5,	6,  7,	8,  9,	12, 13, 14, 15, 16, 17, 18, 19,
	22, 23, 24, 25, 26, 27, 28, 29, 0,  1,	2,  3,	4,  5,	6,  7
};
static const _Alignas(64) uint16_t scale_words[32] = {
	0, 0, 0, 0, 10, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30,
	1, 1, 1, 1, 11, 11, 11, 11, 21, 21, 21, 21, 31, 31, 31, 31
};

QUIRE_INLINE struct step load_step(const unsigned char *w, size_t blocks)
{
	const __m512i nibble = _mm512_set1_epi8(15);
	const __mmask64 bytes =
	    ((__mmask64)1 << blocks % 4 * QUIRE_Q4_1_SIZE) - 1;
	const __m512i head = blocks == 4 ? _mm512_loadu_si512(w)
					 : _mm512_maskz_loadu_epi8(bytes, w);
	__m512i codes =
	    _mm512_permutexvar_epi16(_mm512_load_si512(code_words), head);
	const __m512i scales =
	    _mm512_permutexvar_epi16(_mm512_load_si512(scale_words), head);

	if (blocks == 4)
		codes = _mm512_inserti32x4(
		    codes, _mm_loadu_si128((const void *)(w + 64)), 3);
	return (struct step){
		.low = _mm512_and_si512(codes, nibble),
		.high = _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble),
		.d = _mm512_cvtph_ps(_mm512_castsi512_si256(scales)),
		.min = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(scales, 1)),
	};
}

static const struct step_type type = {
	.load = load_step,
	.block_size = QUIRE_Q4_1_SIZE,
	.minima = true,
};

void quire_vec_int8_q4_1_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    float *y)
{
	multiply_rows(weights, row_size, rows, k, x, y, &type);
}
