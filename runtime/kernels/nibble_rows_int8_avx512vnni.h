/*
 * nibble_rows_int8_avx512vnni.h - how the vec form in int8 reads Q4_0 and Q4_1,
 * and adds up what comes of them.
 */
#ifndef QUIRE_KERNELS_NIBBLE_ROWS_INT8_AVX512VNNI_H
#define QUIRE_KERNELS_NIBBLE_ROWS_INT8_AVX512VNNI_H

#include "runtime/kernels/rows_int8_avx512vnni.h"
#include "runtime/kernels/steps_avx512.h"

QUIRE_INLINE __m512i lower_nibbles(__m512i bytes)
{
	return _mm512_and_si512(bytes, _mm512_set1_epi8(15));
}

/* With GFNI one instruction: the bits of each byte times a matrix of bits, of
 * which row i, from the last byte on, tells what goes to bit i. */
QUIRE_INLINE __m512i upper_nibbles(__m512i bytes)
{
#ifdef __GFNI__
	const __m512i matrix = _mm512_set1_epi64(0x1020408000000000);

	return _mm512_gf2p8affine_epi64_epi8(bytes, matrix, 0);
#else
	return lower_nibbles(_mm512_srli_epi16(bytes, 4));
#endif
}

QUIRE_INLINE struct step load_nibbles(const unsigned char *w, size_t blocks,
				      const struct nibble_type *type)
{
	const __m512i code_words = _mm512_load_si512(type->code_words);
	const __m512i scale_words = _mm512_load_si512(type->scale_words);
	__m512i scales = _mm512_setzero_si512();
	struct step step;

	prefetch_along(w, blocks * type->size);
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const size_t left = blocks > 4 * i ? blocks - 4 * i : 0;
		const size_t there = left < 4 ? left : 4;
		__m512i head, codes;

		step.low[i] = step.high[i] = _mm512_setzero_si512();
		if (there == 0)
			continue;
		head = load_head(w, there, type->size);
		/* One load for two permutes. */
		QUIRE_HOLD(head);
		codes = _mm512_permutexvar_epi16(code_words, head);
		if (there == 4)
			codes = insert_last(codes,
					    w + 3 * type->size + type->codes);
		scales = _mm512_mask_permutexvar_epi16(scales, 0x11111111U << i,
						       scale_words, head);
		step.low[i] = lower_nibbles(codes);
		step.high[i] = upper_nibbles(codes);
		w += 4 * type->size;
	}
	step.d = _mm512_cvtph_ps(_mm512_castsi512_si256(scales));
	step.min = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(scales, 1));
	return step;
}

/* In 16 bits: a lane of a vector of sums has 8 products, which are at most 8 *
 * 15 * 127 together, and what is packed last has 16. */
QUIRE_INLINE __m512i add_quarters(__m512i start, const __m512i sums[4])
{
	const __m512i ones = _mm512_set1_epi16(1);
	const __m512i pairs[2] = {
		_mm512_madd_epi16(_mm512_packs_epi32(sums[0], sums[1]), ones),
		_mm512_madd_epi16(_mm512_packs_epi32(sums[2], sums[3]), ones),
	};

	return _mm512_dpwssd_epi32(
	    start, _mm512_packs_epi32(pairs[0], pairs[1]), ones);
}

QUIRE_INLINE struct step load_q4_0(const unsigned char *w, size_t blocks)
{
	return load_nibbles(w, blocks, &nibbles_q4_0);
}

static const struct step_type rows_q4_0 = {
	.load = load_q4_0,
	.add_quarters = add_quarters,
	.block_size = QUIRE_Q4_0_SIZE,
	.minima = false,
};

QUIRE_INLINE struct step load_q4_1(const unsigned char *w, size_t blocks)
{
	return load_nibbles(w, blocks, &nibbles_q4_1);
}

static const struct step_type rows_q4_1 = {
	.load = load_q4_1,
	.add_quarters = add_quarters,
	.block_size = QUIRE_Q4_1_SIZE,
	.minima = true,
};

#endif
