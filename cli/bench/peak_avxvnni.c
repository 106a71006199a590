/*
 * peak_avxvnni.c - the loops with 256 bits and VNNI.
 *
 * int8: VPDPBUSD multiplies 32 bytes by 32 and adds the products to 32 bits, 64
 * operations. No other instruction has as many. By uops.info it takes p0 or p1
 * on Alder Lake and Emerald Rapids (latency 5), and one of two pipes on Zen 4
 * and Zen 5: 128 operations a cycle.
 */
#ifndef __AVXVNNI__
#error "compile this file with AVX-VNNI"
#endif

#include "cli/bench/peak_avx2.h"

static bool runs(void)
{
	const uint32_t needs = PEAK_AVX2 | CPU_AVX_VNNI;

	return (quire_cpu_features() & needs) == needs;
}

static uint64_t multiply_int8(size_t rounds)
{
	volatile char start = 3;
	const __m256i x = _mm256_set1_epi8(start);
	__m256i sum[PEAK_CHAINS];

#pragma GCC unroll 12
	for (size_t j = 0; j < PEAK_CHAINS; j++)
		sum[j] = _mm256_setzero_si256();
	for (size_t i = 0; i < rounds; i++)
#pragma GCC unroll 12
		for (size_t j = 0; j < PEAK_CHAINS; j++) {
			sum[j] = _mm256_dpbusd_avx_epi32(sum[j], x, x);
			PEAK_HOLD(sum[j]);
		}
#pragma GCC unroll 12
	for (size_t j = 1; j < PEAK_CHAINS; j++)
		sum[0] = _mm256_add_epi32(sum[0], sum[j]);
	return sum_avx2(sum[0]);
}

const struct peak_loops quire_peak_avxvnni = {
	.name = "avxvnni",
	.runs = runs,
	.read_ahead = read_ahead_avx2,
	.read = read_avx2,
	.int8 = multiply_int8,
	.f32 = f32_avx2,
	.int8_ops = PEAK_CHAINS * 32 * 2,
	.f32_ops = PEAK_CHAINS * 8 * 2,
};
