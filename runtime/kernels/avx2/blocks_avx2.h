/*
 * blocks_avx2.h - the types of weights in blocks, as rows_int8_avx2.h wants
 * them: how 8 blocks are read.
 *
 * Scales lie a block apart, but that is one or two items more than a power of
 * two: in the chunk of that power with the number of its block, the scale of
 * block i is item i. So chunks are blended, each giving the lane that it has
 * in the right place, and no scale is inserted by itself.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_BLOCKS_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_BLOCKS_AVX2_H

#include "runtime/kernels/avx2/rows_int8_avx2.h"

QUIRE_INLINE __m128i load16(const unsigned char *bytes)
{
	return _mm_loadu_si128((const void *)bytes);
}

QUIRE_INLINE __m256i load32(const unsigned char *bytes)
{
	return _mm256_loadu_si256((const void *)bytes);
}

/* A block of 18 bytes: its scale is word i of chunk i of 16 bytes. Of each
 * chunk two words are taken, i or i - 1 of which is the scale; chunks of even
 * number are lower halves. */
QUIRE_INLINE void load_scales_q4_0(const unsigned char *w, struct group *group)
{
	__m256i words = load32(w);

	words = _mm256_blend_epi32(words, load32(w + 32), 0x22);
	words = _mm256_blend_epi32(words, load32(w + 64), 0x44);
	words = _mm256_blend_epi32(words, load32(w + 96), 0x88);
	group->d = _mm256_cvtph_ps(
	    _mm_blend_epi16(_mm256_castsi256_si128(words),
			    _mm256_extracti128_si256(words, 1), 0xAA));
}

/* A block of 20 bytes: scale and minimum are item i of 4 bytes of chunk i of
 * 16, and for blocks from 4 on item i - 4 of chunk i + 1. */
QUIRE_INLINE __m128i load_items_q4_1(const unsigned char *w)
{
	__m128i items = load16(w);

	items = _mm_blend_epi32(items, load16(w + 16), 0x2);
	items = _mm_blend_epi32(items, load16(w + 32), 0x4);
	return _mm_blend_epi32(items, load16(w + 48), 0x8);
}

QUIRE_INLINE void load_scales_q4_1(const unsigned char *w, struct group *group)
{
	/* Scales first, then minima. */
	const __m128i order =
	    _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
	const __m128i first = _mm_shuffle_epi8(load_items_q4_1(w), order);
	const __m128i second =
	    _mm_shuffle_epi8(load_items_q4_1(w + 4 * QUIRE_Q4_1_SIZE), order);

	group->d = _mm256_cvtph_ps(_mm_unpacklo_epi64(first, second));
	group->min = _mm256_cvtph_ps(_mm_unpackhi_epi64(first, second));
}

/* A block of 34 bytes: its scale is word i of chunk i of 32 bytes. */
QUIRE_INLINE void load_scales_q8_0(const unsigned char *w, struct group *group)
{
	__m128i words = load16(w);

	words = _mm_blend_epi16(words, load16(w + 32), 0x02);
	words = _mm_blend_epi16(words, load16(w + 64), 0x04);
	words = _mm_blend_epi16(words, load16(w + 96), 0x08);
	words = _mm_blend_epi16(words, load16(w + 128), 0x10);
	words = _mm_blend_epi16(words, load16(w + 160), 0x20);
	words = _mm_blend_epi16(words, load16(w + 192), 0x40);
	words = _mm_blend_epi16(words, load16(w + 224), 0x80);
	group->d = _mm256_cvtph_ps(words);
}

static const struct block_type blocks_q4_0 = {
	.size = QUIRE_Q4_0_SIZE,
	.codes = QUIRE_Q4_0_CODES,
	.load_codes = load_nibbles,
	.load_scales = load_scales_q4_0,
	.add_halves = add_small_halves,
	.minima = false,
};

static const struct block_type blocks_q4_1 = {
	.size = QUIRE_Q4_1_SIZE,
	.codes = QUIRE_Q4_1_CODES,
	.load_codes = load_nibbles,
	.load_scales = load_scales_q4_1,
	.add_halves = add_small_halves,
	.minima = true,
};

static const struct block_type blocks_q8_0 = {
	.size = QUIRE_Q8_0_SIZE,
	.codes = QUIRE_Q8_0_CODES,
	.load_codes = load_bytes,
	.load_scales = load_scales_q8_0,
	.add_halves = add_large_halves,
	.minima = false,
};

#endif
