/*
 * peak_avx2.c - the loops with 256 bits, without VNNI.
 *
 * int8: VPMADDUBSW multiplies 32 unsigned by 32 signed bytes and adds up pairs
 * in 16 bits. With codes of 4 bits, 8 such sums fit 16 bits (8 x 2 x 15 x 127 =
 * 30480 < 32768), and then VPMADDWD has to widen them. So 256 products, those
 * of a block of 32 columns in each of 8 lanes, take at least
 *
 *	8 VPMADDUBSW, 7 VPADDW, 1 VPMADDWD.
 *
 * What a kernel needs besides, to load, to subtract zero points and to scale,
 * differs from kernel to kernel, and is left out. Codes of 8 bits need more.
 *
 * The cycles for these 512 operations, by the ports of uops.info and of Agner
 * Fog's tables, are the most of
 *
 *	Zen 3, Zen 4		9 multiplications on FP0, FP3	  4.5
 *				16 instructions on FP0 to FP3	  4
 *	Skylake to Golden Cove	9 multiplications on p0, p1	  4.5
 *				16 instructions on p0, p1, p5	  5.33
 *
 * So a product has at most 114 operations a cycle there, and 96 here. An
 * Emerald Rapids reaches 0.94 of that in this loop, and 0.93 to 0.96 with other
 * orders of the instructions.
 */
#include "cli/bench/peak_avx2.h"

/* Steps of a block: 4 of its 32 columns each. */
#define STEPS 8

/* Blocks at once. Their additions do not wait for each other, and sums, both
 * factors, ones and a product fit 16 registers. */
#define BLOCKS 8

static bool runs(void)
{
	return (quire_cpu_features() & PEAK_AVX2) == PEAK_AVX2;
}

static uint64_t multiply_int8(size_t rounds)
{
	volatile char start = 3;
	const __m256i ones = _mm256_set1_epi16(1);
	const __m256i w = _mm256_set1_epi8(start);
	__m256i x = w;
	__m256i sum[BLOCKS];

#pragma GCC unroll 8
	for (size_t j = 0; j < BLOCKS; j++)
		sum[j] = x;
	for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 8
		for (size_t step = 0; step < STEPS; step++)
#pragma GCC unroll 8
			for (size_t j = 0; j < BLOCKS; j++) {
				__m256i pairs;

				/* As if x were another one each time. */
				PEAK_HOLD(x);
				pairs = _mm256_maddubs_epi16(w, x);
				sum[j] = step > 0
					     ? _mm256_add_epi16(sum[j], pairs)
					     : pairs;
				PEAK_HOLD(sum[j]);
			}
#pragma GCC unroll 8
		for (size_t j = 0; j < BLOCKS; j++) {
			sum[j] = _mm256_madd_epi16(sum[j], ones);
			PEAK_USE(sum[j]);
		}
	}
	return sum_avx2(sum[0]);
}

const struct peak_loops quire_peak_avx2 = {
	.name = "avx2",
	.runs = runs,
	.read_ahead = read_ahead_avx2,
	.read = read_avx2,
	.int8 = multiply_int8,
	.f32 = f32_avx2,
	.int8_ops = BLOCKS * STEPS * 32 * 2,
	.f32_ops = PEAK_CHAINS * 8 * 2,
};
