/*
 * dpbusd_avx512vnni.h - products of bytes by VPDPBUSD, with x in memory, and
 * how their sums become f32.
 */
#ifndef QUIRE_RUNTIME_KERNELS_AVX512VNNI_DPBUSD_AVX512VNNI_H
#define QUIRE_RUNTIME_KERNELS_AVX512VNNI_DPBUSD_AVX512VNNI_H

#ifndef __AVX512VNNI__
#error "compile with -mavx512vnni"
#endif

#include <immintrin.h>
#include <string.h>

#include "runtime/kernels/avx512vnni/geometry_avx512vnni.h"

static inline __m512i broadcast(const unsigned char *bytes)
{
	int32_t four;

	memcpy(&four, bytes, sizeof(four));
	return _mm512_set1_epi32(four);
}

static inline __m512 broadcast_f32(const unsigned char *bytes)
{
	float number;

	memcpy(&number, bytes, sizeof(number));
	return _mm512_set1_ps(number);
}

/* What integers begin at if no offset contains it. */
static inline __m512i begin_integers(void)
{
	return _mm512_set1_epi32(AVX512_INT8_BEGIN);
}

/* -3 * 2^22 d: exact, as d has the 11 bits of an f16. */
static inline __m512 take_off_begin(__m512 d)
{
	return _mm512_mul_ps(d, _mm512_set1_ps(-0x3p22F));
}

/* I d, rounded once: (3 * 2^22 + I) d - 3 * 2^22 d. */
static inline __m512 scale_integers(__m512i s, __m512 d, __m512 begin)
{
	return _mm512_fmadd_ps(_mm512_castsi512_ps(s), d, begin);
}

/* Adds 4 unsigned codes of each lane times the 4 signed ones at `x`. As gcc
 * makes two instructions of it, it is written out: with a second thread on the
 * core, instructions are the limit. */
static inline __m512i add_codes(__m512i sum, __m512i codes,
				const unsigned char *x)
{
#if defined(__GNUC__) && !defined(__clang__)
	__asm__("vpdpbusd %2%{1to16%}, %1, %0"
		: "+v"(sum)
		: "v"(codes), "m"(*(const unsigned char(*)[4])x));
	return sum;
#else
	return _mm512_dpbusd_epi32(sum, codes, broadcast(x));
#endif
}

#endif
