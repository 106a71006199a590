/*
 * nibble_rows_int8_avx512vnni.h - how the vec form in int8 reads Q4_0 and Q4_1,
 * and adds up what comes of them.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_NIBBLE_ROWS_INT8_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_NIBBLE_ROWS_INT8_AVX512VNNI_H

#include "base/bytes.h"
#include "runtime/kernels/avx512/steps_avx512.h"
#include "runtime/kernels/avx512vnni/rows_int8_avx512vnni.h"
#include "runtime/sizes.h"

QUIRE_INLINE __m512i lower_nibbles(__m512i bytes)
{
	return _mm512_and_si512(bytes, _mm512_set1_epi8(15));
}

QUIRE_INLINE __m512i upper_nibbles(__m512i bytes)
{
	return lower_nibbles(_mm512_srli_epi16(bytes, 4));
}

/*
 * Four blocks are read as 64 bytes from each of two places, such that the codes
 * of every block are whole dwords of one or the other: one permute has them
 * all. Scales and minima are dwords or halves of dwords of the first place: two
 * permutes gather those of 16 blocks, another takes the words.
 *
 * The first four blocks of a step may have a first place of their own, for
 * those of the others may begin before them. Constant wherever it is used.
 */
struct nibble_places {
	size_t size;
	ptrdiff_t first[2], second; /* places: bytes from the first block on */
	const uint32_t *codes[2];   /* dwords, the second place's from 16 on */
	/* The dword of each block, where its lane is. Lanes 4j and 4j + 1 are
	 * blocks of the first two fours, the others of the last two. */
	const uint32_t *scales;
	bool apart; /* lane 0 is in no place: it is the step's first dword */
	/* Which words of those are scales, and from word 16 on minima. */
	const uint16_t *words;
};

/* The dwords of four blocks, given the first of each. */
#define FOUR(a) (a), (a) + 1, (a) + 2, (a) + 3
#define DWORDS(a, b, c, d)                                                     \
	{                                                                      \
		FOUR(a), FOUR(b), FOUR(c), FOUR(d)                             \
	}

/* A block of Q4_0 is 4.5 dwords. Codes of blocks 1 and 3 of four lie at dwords,
 * those of 0 and 2 do if read from 2 bytes before or behind. */
static const _Alignas(64) uint32_t q4_0_first_codes[16] = DWORDS(0, 16 + 3, 9,
								 16 + 12);
static const _Alignas(64) uint32_t q4_0_codes[16] = DWORDS(1, 16 + 3, 10,
							   16 + 12);
static const _Alignas(64) uint32_t q4_0_scales[16] = { 0,  16, 0,  16, 4, 21,
						       5,  21, 8,  25, 9, 25,
						       13, 30, 14, 30 };
static const _Alignas(64) uint16_t q4_0_words[32] = { 0,  3,  5,  7,  8,  10,
						      12, 14, 17, 19, 21, 23,
						      24, 26, 28, 30 };
static const struct nibble_places places_q4_0 = {
	.size = QUIRE_Q4_0_SIZE,
	.first = { 2, -2 },
	.second = 8,
	.codes = { q4_0_first_codes, q4_0_codes },
	.scales = q4_0_scales,
	.apart = true,
	.words = q4_0_words,
};

/* A block of Q4_1 is 5 dwords: a scale and a minimum, and the codes. */
static const _Alignas(64) uint32_t q4_1_codes[16] = DWORDS(1, 6, 11, 16 + 12);
static const _Alignas(64) uint32_t q4_1_scales[16] = { 0,  16, 0,  16, 5,  21,
						       5,  21, 10, 26, 10, 26,
						       15, 31, 15, 31 };
static const _Alignas(64) uint16_t q4_1_words[32] = {
	0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
	1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
};
static const struct nibble_places places_q4_1 = {
	.size = QUIRE_Q4_1_SIZE,
	.first = { 0, 0 },
	.second = 16,
	.codes = { q4_1_codes, q4_1_codes },
	.scales = q4_1_scales,
	.apart = false,
	.words = q4_1_words,
};

#undef DWORDS
#undef FOUR

QUIRE_INLINE __m512i load_scales(const unsigned char *w, const __m512i first[4],
				 const struct nibble_places *places)
{
	__m512i dwords = _mm512_load_si512(places->scales);

	/* Where nothing is put the numbers of dwords stay. */
	dwords =
	    _mm512_mask2_permutex2var_epi32(first[0], dwords, 0x3333, first[1]);
	dwords =
	    _mm512_mask2_permutex2var_epi32(first[2], dwords, 0xcccc, first[3]);
	if (places->apart)
		dwords = _mm512_mask_set1_epi32(dwords, 1, (int)load_u32(w));
	return _mm512_permutexvar_epi16(_mm512_load_si512(places->words),
					dwords);
}

QUIRE_INLINE struct step load_nibbles(const unsigned char *w, size_t blocks,
				      const struct nibble_places *places)
{
	__m512i first[4], scales;
	struct step step;

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++) {
		const unsigned char *four = w + 4 * i * places->size;
		const size_t there =
		    blocks > 4 * i ? min_size(blocks - 4 * i, 4) : 0;
		__m512i codes;

		prefetch_part(w, blocks * places->size, i);
		first[i] = step.low[i] = step.high[i] = _mm512_setzero_si512();
		if (there == 0)
			continue;
		first[i] =
		    load_four(four, places->first[i > 0], there, places->size);
		/* One load for two permutes. */
		QUIRE_HOLD(first[i]);
		codes = _mm512_permutex2var_epi32(
		    first[i], _mm512_load_si512(places->codes[i > 0]),
		    load_four(four, places->second, there, places->size));
		step.low[i] = lower_nibbles(codes);
		step.high[i] = upper_nibbles(codes);
	}
	scales = load_scales(w, first, places);
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
	return load_nibbles(w, blocks, &places_q4_0);
}

static const struct step_type rows_q4_0 = {
	.load = load_q4_0,
	.add_quarters = add_quarters,
	.block_size = QUIRE_Q4_0_SIZE,
	.minima = false,
};

QUIRE_INLINE struct step load_q4_1(const unsigned char *w, size_t blocks)
{
	return load_nibbles(w, blocks, &places_q4_1);
}

static const struct step_type rows_q4_1 = {
	.load = load_q4_1,
	.add_quarters = add_quarters,
	.block_size = QUIRE_Q4_1_SIZE,
	.minima = true,
};

#endif
