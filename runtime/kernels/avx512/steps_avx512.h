/*
 * steps_avx512.h - reads a row of Q4_0 or Q4_1 four blocks at a time, for GEMV
 * and small_codes_f32_avx512.c. Lanes 4b to 4b + 3 of every vector belong to
 * block b. GEMV in int8, with four times as many blocks a step, takes the load
 * alone from here.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512_STEPS_AVX512_H
#define QUIRE_RUNTIME_KERNELS_AVX512_STEPS_AVX512_H

#if !defined(__AVX512BW__) || !defined(__AVX512VL__)
#error "compile with -mavx512bw -mavx512vl"
#endif

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* Four blocks of a row of W: lane 4b + j has bytes 4j to 4j + 3 of the codes of
 * block b, and the scale and minimum of block b. */
struct packed_step {
	__m512i codes;
	__m512 d, min;
};

/* A type of weights, a constant: which words of the first 64 bytes of four
 * blocks are codes; which are scales, each four times, and from word 16 on
 * minima; the bytes of a block, and those before its codes. */
struct nibble_type {
	const uint16_t *code_words, *scale_words;
	size_t size, codes;
};

/* A block of Q4_0 is 9 words: word 0 is its scale, words 1 to 8 its codes. The
 * first 64 bytes have half of the fourth block. */
static const _Alignas(64) uint16_t q4_0_code_words[32] = {
	1,  2,	3,  4,	5,  6,	7,  8,	10, 11, 12, 13, 14, 15, 16, 17,
	19, 20, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31, 0,  1,	2,  3
};
static const _Alignas(64) uint16_t q4_0_scale_words[32] = {
	0, 0, 0, 0, 9,	9,  9,	9,  18, 18, 18, 18, 27, 27, 27, 27,
	4, 4, 4, 4, 13, 13, 13, 13, 22, 22, 22, 22, 31, 31, 31, 31
};
static const struct nibble_type nibbles_q4_0 = {
	.code_words = q4_0_code_words,
	.scale_words = q4_0_scale_words,
	.size = QUIRE_Q4_0_SIZE,
	.codes = QUIRE_Q4_0_CODES,
};

/* A block of Q4_1 is 10 words: word 0 is its scale, word 1 its minimum, words 2
 * to 9 its codes. The first 64 bytes have no codes of the fourth block. */
static const _Alignas(64) uint16_t q4_1_code_words[32] = {
	2,  3,	4,  5,	6,  7,	8,  9,	12, 13, 14, 15, 16, 17, 18, 19,
	22, 23, 24, 25, 26, 27, 28, 29, 0,  1,	2,  3,	4,  5,	6,  7
};
static const _Alignas(64) uint16_t q4_1_scale_words[32] = {
	0, 0, 0, 0, 10, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30,
	1, 1, 1, 1, 11, 11, 11, 11, 21, 21, 21, 21, 31, 31, 31, 31
};
static const struct nibble_type nibbles_q4_1 = {
	.code_words = q4_1_code_words,
	.scale_words = q4_1_scale_words,
	.size = QUIRE_Q4_1_SIZE,
	.codes = QUIRE_Q4_1_CODES,
};

/* 64 bytes from `offset` on, of up to four blocks; zeros after the last block.
 */
QUIRE_INLINE __m512i load_four(const unsigned char *w, ptrdiff_t offset,
			       size_t blocks, size_t block_size)
{
	const ptrdiff_t there = (ptrdiff_t)(blocks * block_size) - offset;

	if (blocks == 4)
		return _mm512_loadu_si512(w + offset);
	return _mm512_maskz_loadu_epi8(((__mmask64)1 << there) - 1, w + offset);
}

/* Inserts the codes of the fourth block. */
QUIRE_INLINE __m512i insert_last(__m512i codes, const unsigned char *last)
{
	return _mm512_inserti32x4(codes, _mm_loadu_si128((const void *)last),
				  3);
}

/* Reads `blocks` blocks, at most 4; codes and scales of the others are finite.
 * Without minima in the type, `min` is any number. */
QUIRE_INLINE struct packed_step load_packed(const unsigned char *w,
					    size_t blocks,
					    const struct nibble_type *type)
{
	__m512i head = load_four(w, 0, blocks, type->size);
	__m512i scales, codes;

	/* One load for two permutes. */
	QUIRE_HOLD(head);
	scales = _mm512_permutexvar_epi16(_mm512_load_si512(type->scale_words),
					  head);
	codes =
	    _mm512_permutexvar_epi16(_mm512_load_si512(type->code_words), head);
	if (blocks == 4)
		codes = insert_last(codes, w + 3 * type->size + type->codes);
	return (struct packed_step){
		.codes = codes,
		.d = _mm512_cvtph_ps(_mm512_castsi512_si256(scales)),
		.min = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(scales, 1)),
	};
}

/* Code `i` of each lane as one of the 16 numbers in `values`. */
QUIRE_INLINE __m512 decode_codes(__m512i codes, unsigned int i, __m512 values)
{
	return _mm512_permutexvar_ps(_mm512_srli_epi32(codes, 4 * i), values);
}

#endif
