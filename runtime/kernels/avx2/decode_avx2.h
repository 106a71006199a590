/*
 * decode_avx2.h - decodes 32 columns of a row of W to f32, all types: for the
 * f32 kernels that read W in place.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX2_DECODE_AVX2_H
#define QUIRE_RUNTIME_KERNELS_AVX2_DECODE_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "compile with -mavx2 -mfma -mf16c"
#endif

#include <immintrin.h>

#include "base/bytes.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* Decodes the 32 columns at `weights`. */
typedef void (*decode_fn)(const unsigned char *weights, __m256 w[4]);

/* 8 codes, already less 8, times d: exact in f32. */
QUIRE_INLINE __m256 scale_q4_0(__m128i codes, __m256 d)
{
	return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)),
			     d);
}

QUIRE_INLINE void decode_q4_0(const unsigned char *weights, __m256 w[4])
{
	const __m128i nibble = _mm_set1_epi8(15);
	const __m128i zero = _mm_set1_epi8(QUIRE_Q4_0_ZERO);
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(weights)));
	const __m128i q =
	    _mm_loadu_si128((const void *)(weights + QUIRE_Q4_0_CODES));
	const __m128i low = _mm_sub_epi8(_mm_and_si128(q, nibble), zero);
	const __m128i high =
	    _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(q, 4), nibble), zero);

	w[0] = scale_q4_0(low, d);
	w[1] = scale_q4_0(_mm_srli_si128(low, 8), d);
	w[2] = scale_q4_0(high, d);
	w[3] = scale_q4_0(_mm_srli_si128(high, 8), d);
}

/* 8 codes times d, which is exact, plus m: rounded once. */
QUIRE_INLINE __m256 scale_q4_1(__m128i codes, __m256 d, __m256 m)
{
	return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(codes)),
			       d, m);
}

QUIRE_INLINE void decode_q4_1(const unsigned char *weights, __m256 w[4])
{
	const __m128i nibble = _mm_set1_epi8(15);
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(weights)));
	const __m256 m =
	    _mm256_set1_ps(_cvtsh_ss(load_u16(weights + QUIRE_Q4_1_MIN)));
	const __m128i q =
	    _mm_loadu_si128((const void *)(weights + QUIRE_Q4_1_CODES));
	const __m128i low = _mm_and_si128(q, nibble);
	const __m128i high = _mm_and_si128(_mm_srli_epi16(q, 4), nibble);

	w[0] = scale_q4_1(low, d, m);
	w[1] = scale_q4_1(_mm_srli_si128(low, 8), d, m);
	w[2] = scale_q4_1(high, d, m);
	w[3] = scale_q4_1(_mm_srli_si128(high, 8), d, m);
}

/* 8 codes times d: exact in f32. */
QUIRE_INLINE __m256 scale_q8_0(const unsigned char *codes, __m256 d)
{
	const __m256i wide =
	    _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)codes));

	return _mm256_mul_ps(_mm256_cvtepi32_ps(wide), d);
}

QUIRE_INLINE void decode_q8_0(const unsigned char *weights, __m256 w[4])
{
	const unsigned char *codes = weights + QUIRE_Q8_0_CODES;
	const __m256 d = _mm256_set1_ps(_cvtsh_ss(load_u16(weights)));

	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		w[i] = scale_q8_0(codes + 8 * i, d);
}

QUIRE_INLINE void decode_f16(const unsigned char *weights, __m256 w[4])
{
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		w[i] = _mm256_cvtph_ps(
		    _mm_loadu_si128((const void *)(weights + 16 * i)));
}

/* A BF16 is the upper half of an f32. */
QUIRE_INLINE __m256 widen_bf16(__m128i items)
{
	return _mm256_castsi256_ps(
	    _mm256_slli_epi32(_mm256_cvtepu16_epi32(items), 16));
}

QUIRE_INLINE void decode_bf16(const unsigned char *weights, __m256 w[4])
{
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		w[i] = widen_bf16(
		    _mm_loadu_si128((const void *)(weights + 16 * i)));
}

QUIRE_INLINE void decode_f32(const unsigned char *weights, __m256 w[4])
{
	QUIRE_UNROLL
	for (size_t i = 0; i < 4; i++)
		w[i] = _mm256_loadu_ps((const void *)(weights + 32 * i));
}

#endif
