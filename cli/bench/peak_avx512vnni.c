/*
 * peak_avx512vnni.c - the loops with 512 bits.
 *
 * int8: VPDPBUSD multiplies 64 bytes by 64 and adds the products to 32 bits,
 * 128 operations. No other instruction has as many. By uops.info it takes p0 or
 * p5 on Ice Lake to Emerald Rapids (latency 5), 256 operations a cycle; on Zen
 * 4, whose units have 256 bits, it is half of that.
 */
#if !defined(__AVX512VNNI__) || !defined(__AVX512F__)
#error "compile this file with AVX-512 VNNI"
#endif

#include <immintrin.h>

#include "base/cpu.h"
#include "cli/bench/peak_loops.h"

/* More than elsewhere, because there are more registers. With 12 chains of
 * latency 5, an Emerald Rapids reaches 0.97 of its speed with 16 or more. */
#define AVX512_CHAINS 20

static bool runs(void)
{
	const uint32_t needs = CPU_AVX512F | CPU_AVX512VNNI;

	return (quire_cpu_features() & needs) == needs;
}

static inline uint64_t read_steps(const void *data, size_t size, bool ahead)
{
	const __m512i *line = data;
	const size_t count = size / PEAK_STEP;
	__m512i a = _mm512_setzero_si512();
	__m512i b = a, c = a, d = a;

	for (size_t i = 0; i < count; i++, line += 4) {
		if (ahead)
			peak_prefetch(line);
		a = _mm512_add_epi64(a, _mm512_loadu_si512(line));
		b = _mm512_add_epi64(b, _mm512_loadu_si512(line + 1));
		c = _mm512_add_epi64(c, _mm512_loadu_si512(line + 2));
		d = _mm512_add_epi64(d, _mm512_loadu_si512(line + 3));
	}
	a = _mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d));
	/* Not an addition, which would be of signed numbers. */
	return (uint64_t)_mm512_reduce_or_epi64(a);
}

static uint64_t read_all(const void *data, size_t size)
{
	return read_steps(data, size, false);
}

static uint64_t read_ahead(const void *data, size_t size)
{
	return read_steps(data, size, true);
}

static uint64_t multiply_int8(size_t rounds)
{
	volatile char start = 3;
	const __m512i x = _mm512_set1_epi8(start);
	__m512i sum[AVX512_CHAINS];

#pragma GCC unroll 20
	for (size_t j = 0; j < AVX512_CHAINS; j++)
		sum[j] = _mm512_setzero_si512();
	for (size_t i = 0; i < rounds; i++)
#pragma GCC unroll 20
		for (size_t j = 0; j < AVX512_CHAINS; j++) {
			sum[j] = _mm512_dpbusd_epi32(sum[j], x, x);
			PEAK_HOLD(sum[j]);
		}
#pragma GCC unroll 20
	for (size_t j = 1; j < AVX512_CHAINS; j++)
		sum[0] = _mm512_add_epi32(sum[0], sum[j]);
	return (uint64_t)_mm512_reduce_add_epi32(sum[0]);
}

static uint64_t multiply_f32(size_t rounds)
{
	volatile float factor = 0.5F;
	const __m512 x = _mm512_set1_ps(factor);
	__m512 sum[AVX512_CHAINS];

#pragma GCC unroll 20
	for (size_t j = 0; j < AVX512_CHAINS; j++)
		sum[j] = _mm512_setzero_ps();
	for (size_t i = 0; i < rounds; i++)
#pragma GCC unroll 20
		for (size_t j = 0; j < AVX512_CHAINS; j++) {
			sum[j] = _mm512_fmadd_ps(sum[j], x, x);
			PEAK_HOLD(sum[j]);
		}
#pragma GCC unroll 20
	for (size_t j = 1; j < AVX512_CHAINS; j++)
		sum[0] = _mm512_add_ps(sum[0], sum[j]);
	return (uint64_t)_mm512_reduce_add_ps(sum[0]);
}

const struct peak_loops quire_peak_avx512vnni = {
	.name = "avx512vnni",
	.runs = runs,
	.read_ahead = read_ahead,
	.read = read_all,
	.int8 = multiply_int8,
	.f32 = multiply_f32,
	.int8_ops = AVX512_CHAINS * 64 * 2,
	.f32_ops = AVX512_CHAINS * 16 * 2,
};
