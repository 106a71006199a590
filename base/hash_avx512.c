/*
 * hash_avx512.c - XXH3 in 512-bit steps.
 */
#if !defined(__AVX512F__) || !defined(__AVX512DQ__)
#error "compile this file with AVX-512F and DQ"
#endif

#include <immintrin.h>

#include "base/hash.h"

#define PRIME32_1 0x9E3779B1

/* The truth table of a ^ b ^ c: it is 1 for the inputs 1, 2, 4 and 7. */
#define XOR_OF_THREE (1 << 1 | 1 << 2 | 1 << 4 | 1 << 7)

/* XXH3 adds each lane's data to its neighbour: here once for all stripes. */
static inline void add_stripes(const unsigned char *data, size_t count,
			       const unsigned char *secret,
			       struct quire_hash_sum *sum)
{
	__m512i neighbours = _mm512_setzero_si512();
	__m512i products = _mm512_loadu_si512(sum->lanes);

	for (size_t i = 0; i < count; i++) {
		const __m512i stripe = _mm512_loadu_si512(data + 64 * i);
		const __m512i key = _mm512_xor_si512(
		    stripe, _mm512_loadu_si512(secret + 8 * i));

		neighbours = _mm512_add_epi64(neighbours, stripe);
		products = _mm512_add_epi64(
		    products,
		    _mm512_mul_epu32(key, _mm512_srli_epi64(key, 32)));
	}
	neighbours = _mm512_shuffle_epi32(neighbours, _MM_PERM_BADC);
	_mm512_storeu_si512(sum->lanes, _mm512_add_epi64(products, neighbours));
}

/* Each step waits for the one before it, so fewer instructions are faster. */
static inline void join_sums(struct quire_hash_sum *state,
			     const struct quire_hash_sum *sums, size_t count,
			     const unsigned char *secret)
{
	const __m512i key = _mm512_loadu_si512(secret);
	const __m512i prime = _mm512_set1_epi64(PRIME32_1);
	__m512i lanes = _mm512_loadu_si512(state->lanes);

	for (size_t i = 0; i < count; i++) {
		lanes =
		    _mm512_add_epi64(lanes, _mm512_loadu_si512(sums[i].lanes));
		lanes = _mm512_ternarylogic_epi64(
		    lanes, _mm512_srli_epi64(lanes, 47), key, XOR_OF_THREE);
		lanes = _mm512_mullo_epi64(lanes, prime);
	}
	_mm512_storeu_si512(state->lanes, lanes);
}

#define QUIRE_HASH_CODE quire_hash_avx512
#include "base/hash_code.h"
