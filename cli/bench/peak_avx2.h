/*
 * peak_avx2.h - the loops that AVX-VNNI and AVX2 have in common.
 */
#ifndef QUIRE_CLI_BENCH_PEAK_AVX2_H
#define QUIRE_CLI_BENCH_PEAK_AVX2_H

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with AVX2 and FMA"
#endif

#include <immintrin.h>
#include <string.h>

#include "base/cpu.h"
#include "cli/bench/peak_loops.h"

/* The features that these loops need. */
#define PEAK_AVX2 (CPU_AVX2 | CPU_FMA)

static inline uint64_t sum_avx2(__m256i sum)
{
	uint64_t part[4];

	memcpy(part, &sum, sizeof(part));
	return part[0] + part[1] + part[2] + part[3];
}

static inline uint64_t read_steps(const void *data, size_t size, bool ahead)
{
	const __m256i *at = data;
	const size_t count = size / PEAK_STEP;
	__m256i a = _mm256_setzero_si256();
	__m256i b = a, c = a, d = a;

	for (size_t i = 0; i < count; i++) {
		if (ahead)
			peak_prefetch(at);
		for (size_t j = 0; j < 2; j++, at += 4) {
			a = _mm256_add_epi64(a, _mm256_loadu_si256(at));
			b = _mm256_add_epi64(b, _mm256_loadu_si256(at + 1));
			c = _mm256_add_epi64(c, _mm256_loadu_si256(at + 2));
			d = _mm256_add_epi64(d, _mm256_loadu_si256(at + 3));
		}
	}
	return sum_avx2(
	    _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d)));
}

static inline uint64_t read_avx2(const void *data, size_t size)
{
	return read_steps(data, size, false);
}

static inline uint64_t read_ahead_avx2(const void *data, size_t size)
{
	return read_steps(data, size, true);
}

static inline uint64_t f32_avx2(size_t rounds)
{
	volatile float factor = 0.5F;
	const __m256 x = _mm256_set1_ps(factor);
	__m256 sum[PEAK_CHAINS];

#pragma GCC unroll 12
	for (size_t j = 0; j < PEAK_CHAINS; j++)
		sum[j] = _mm256_setzero_ps();
	for (size_t i = 0; i < rounds; i++)
#pragma GCC unroll 12
		for (size_t j = 0; j < PEAK_CHAINS; j++) {
			sum[j] = _mm256_fmadd_ps(sum[j], x, x);
			PEAK_HOLD(sum[j]);
		}
#pragma GCC unroll 12
	for (size_t j = 1; j < PEAK_CHAINS; j++)
		sum[0] = _mm256_add_ps(sum[0], sum[j]);
	return sum_avx2(_mm256_castps_si256(sum[0]));
}

#endif
