/*
 * vec_int8_q8_0_avx512vnni.c - a row of quantized x by rows of Q8_0.
 */
#include <string.h>

#include "base/bytes.h"
#include "runtime/kernels/avx512vnni/rows_int8_avx512vnni.h"
#include "runtime/sizes.h"

#define FOUR ((size_t)4 * QUIRE_Q8_0_SIZE)

/* 16 bytes of each of four blocks. */
QUIRE_INLINE __m512i load_codes(const unsigned char *w)
{
#define CODES(i) _mm_loadu_si128((const void *)(w + (i)*QUIRE_Q8_0_SIZE))
	__m512i codes = _mm512_castsi128_si512(CODES(0));

	codes = _mm512_inserti32x4(codes, CODES(1), 1);
	codes = _mm512_inserti32x4(codes, CODES(2), 2);
	codes = _mm512_inserti32x4(codes, CODES(3), 3);
	return _mm512_xor_si512(codes, _mm512_set1_epi8((char)QUIRE_Q8_0_ZERO));
#undef CODES
}

/* The scales of four blocks as f16, those of block j in words 4j to 4j + 3. */
QUIRE_INLINE __m512i load_scales(const unsigned char *w)
{
#define SCALE(i) (short)load_u16(w + (i)*QUIRE_Q8_0_SIZE)
	static const _Alignas(64)
	    uint16_t words[32] = { 0, 0, 0, 0, 1, 1, 1, 1,
				   2, 2, 2, 2, 3, 3, 3, 3 };
	const __m128i scales =
	    _mm_setr_epi16(SCALE(0), SCALE(1), SCALE(2), SCALE(3), 0, 0, 0, 0);

	return _mm512_permutexvar_epi16(_mm512_load_si512(words),
					_mm512_castsi128_si512(scales));
#undef SCALE
}

/* Of so many lines those of each part are asked for by themselves. */
QUIRE_INLINE struct step load_step(const unsigned char *w, size_t blocks)
{
	unsigned char last[FOUR] = { 0 };
	__m512i scales = _mm512_setzero_si512();
	struct step step;

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const unsigned char *four = w + i * FOUR;
		const size_t there =
		    blocks > 4 * i ? min_size(blocks - 4 * i, 4) : 0;

		step.low[i] = step.high[i] = _mm512_setzero_si512();
		if (there == 0)
			continue;
		prefetch_along(four, there * QUIRE_Q8_0_SIZE);
		if (there < 4) {
			memcpy(last, four, there * QUIRE_Q8_0_SIZE);
			four = last;
		}
		scales = _mm512_mask_mov_epi16(scales, 0x1111U << i,
					       load_scales(four));
		step.low[i] = load_codes(four + QUIRE_Q8_0_CODES);
		step.high[i] = load_codes(four + QUIRE_Q8_0_CODES + 16);
	}
	step.d = _mm512_cvtph_ps(_mm512_castsi512_si256(scales));
	return step;
}

/* Lanes of each vector 2 apart are added, then those next to each other. */
QUIRE_INLINE __m512i add_quarters(__m512i start, const __m512i sums[4])
{
	__m512i pairs[2];

	QUIRE_UNROLL
	for (size_t i = 0; i < 2; i++) {
		const __m512i a = sums[2 * i];
		const __m512i b = sums[2 * i + 1];

		pairs[i] = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b),
					    _mm512_unpackhi_epi32(a, b));
	}
	start =
	    _mm512_add_epi32(start, _mm512_unpacklo_epi64(pairs[0], pairs[1]));
	return _mm512_add_epi32(start,
				_mm512_unpackhi_epi64(pairs[0], pairs[1]));
}

static const struct step_type type = {
	.load = load_step,
	.add_quarters = add_quarters,
	.block_size = QUIRE_Q8_0_SIZE,
	.minima = false,
};

void quire_vec_int8_q8_0_avx512vnni(const void *weights, size_t row_size,
				    size_t rows, size_t k, const void *x,
				    float *y)
{
	multiply_rows(weights, row_size, rows, k, x, y, &type);
}
