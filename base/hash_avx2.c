/*
 * hash_avx2.c - XXH3 in 256-bit steps.
 */
#ifndef __AVX2__
#error "compile this file with AVX2"
#endif

#include <immintrin.h>

#include "base/hash.h"

#define PRIME32_1 0x9E3779B1
#define HALVES	  2 /* registers of four lanes */

static inline __m256i load(const void *bytes)
{
	return _mm256_loadu_si256(bytes);
}

/* XXH3 adds each lane's data to its neighbour: here once for all stripes. */
static inline void add_stripes(const unsigned char *data, size_t count,
			       const unsigned char *secret,
			       struct quire_hash_sum *sum)
{
	__m256i neighbours[HALVES], products[HALVES];

	for (size_t half = 0; half < HALVES; half++) {
		neighbours[half] = _mm256_setzero_si256();
		products[half] = load(sum->lanes + 4 * half);
	}
	for (size_t i = 0; i < count; i++)
		for (size_t half = 0; half < HALVES; half++) {
			const __m256i stripe = load(data + 64 * i + 32 * half);
			const __m256i key = _mm256_xor_si256(
			    stripe, load(secret + 8 * i + 32 * half));

			neighbours[half] =
			    _mm256_add_epi64(neighbours[half], stripe);
			products[half] = _mm256_add_epi64(
			    products[half],
			    _mm256_mul_epu32(key, _mm256_srli_epi64(key, 32)));
		}
	for (size_t half = 0; half < HALVES; half++)
		_mm256_storeu_si256(
		    (void *)(sum->lanes + 4 * half),
		    _mm256_add_epi64(
			products[half],
			_mm256_shuffle_epi32(neighbours[half],
					     _MM_SHUFFLE(1, 0, 3, 2))));
}

/* 64-bit lanes times a prime of 32 bits. */
static inline __m256i multiply(__m256i lanes, __m256i prime)
{
	const __m256i high =
	    _mm256_mul_epu32(_mm256_srli_epi64(lanes, 32), prime);

	return _mm256_add_epi64(_mm256_mul_epu32(lanes, prime),
				_mm256_slli_epi64(high, 32));
}

static inline void join_sums(struct quire_hash_sum *state,
			     const struct quire_hash_sum *sums, size_t count,
			     const unsigned char *secret)
{
	const __m256i prime = _mm256_set1_epi64x(PRIME32_1);
	const __m256i keys[HALVES] = { load(secret), load(secret + 32) };
	__m256i lanes[HALVES] = { load(state->lanes), load(state->lanes + 4) };

	for (size_t i = 0; i < count; i++)
		for (size_t half = 0; half < HALVES; half++) {
			const __m256i sum = _mm256_add_epi64(
			    lanes[half], load(sums[i].lanes + 4 * half));
			const __m256i mixed =
			    _mm256_xor_si256(sum, _mm256_srli_epi64(sum, 47));

			lanes[half] = multiply(
			    _mm256_xor_si256(mixed, keys[half]), prime);
		}
	for (size_t half = 0; half < HALVES; half++)
		_mm256_storeu_si256((void *)(state->lanes + 4 * half),
				    lanes[half]);
}

#define QUIRE_HASH_CODE quire_hash_avx2
#include "base/hash_code.h"
