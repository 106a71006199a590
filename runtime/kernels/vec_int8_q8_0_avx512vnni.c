/*
 * vec_int8_q8_0_avx512vnni.c - a row of quantized x by rows of Q8_0.
 */
#include <string.h>

#include "format/bytes.h"
#include "runtime/kernels/rows_int8_avx512vnni.h"

/* 16 bytes of each of four blocks. */
static inline __m512i load_codes(const unsigned char *w)
{
#define CODES(i) _mm_loadu_si128((const void *)(w + (i)*QUIRE_Q8_0_SIZE))
	__m512i codes = _mm512_castsi128_si512(CODES(0));

	codes = _mm512_inserti32x4(codes, CODES(1), 1);
	codes = _mm512_inserti32x4(codes, CODES(2), 2);
	codes = _mm512_inserti32x4(codes, CODES(3), 3);
	return _mm512_xor_si512(codes, _mm512_set1_epi8((char)QUIRE_Q8_0_ZERO));
#undef CODES
}

/* The scales of four blocks, each in four lanes. */
static inline __m512 load_scales(const unsigned char *w)
{
#define SCALE(i) (short)load_u16(w + (i)*QUIRE_Q8_0_SIZE)
	const __m512i lanes =
	    _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
	const __m128 d = _mm_cvtph_ps(
	    _mm_setr_epi16(SCALE(0), SCALE(1), SCALE(2), SCALE(3), 0, 0, 0, 0));

	return _mm512_permutexvar_ps(lanes, _mm512_castps128_ps512(d));
#undef SCALE
}

static inline struct step load_whole(const unsigned char *w)
{
	return (struct step){
		.low = load_codes(w + QUIRE_Q8_0_CODES),
		.high = load_codes(w + QUIRE_Q8_0_CODES + 16),
		.d = load_scales(w),
	};
}

QUIRE_INLINE struct step load_step(const unsigned char *w, size_t blocks)
{
	unsigned char last[4 * QUIRE_Q8_0_SIZE] = { 0 };

	if (blocks == 4)
		return load_whole(w);
	memcpy(last, w, blocks * QUIRE_Q8_0_SIZE);
	return load_whole(last);
}

static const struct step_type type = {
	.load = load_step,
	.block_size = QUIRE_Q8_0_SIZE,
	.minima = false,
};

void quire_vec_int8_q8_0_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    float *y)
{
	multiply_rows(weights, row_size, rows, k, x, y, &type);
}
