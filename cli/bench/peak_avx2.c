/*
 * peak_avx2.c - the loops with 256 bits, without VNNI: pairs of products are
 * summed in 16 bits, which is enough for 4-bit weights, and rarely widened.
 */
#include "cli/bench/peak_avx2.h"

static bool runs(void)
{
	return (quire_cpu_features() & PEAK_AVX2) == PEAK_AVX2;
}

/* The bytes of a chain change in each round; otherwise the compiler would
 * compute the products once. */
static uint64_t multiply_int8(size_t rounds)
{
	volatile char start = 3;
	__m256i x = _mm256_set1_epi8(start);
	__m256i sum[PEAK_CHAINS];

	for (size_t j = 0; j < PEAK_CHAINS; j++)
		sum[j] = _mm256_set1_epi8((char)j);
	for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 12
		for (size_t j = 0; j < PEAK_CHAINS; j++)
			sum[j] = _mm256_add_epi16(
			    sum[j], _mm256_maddubs_epi16(sum[j], x));
	}
	for (size_t j = 1; j < PEAK_CHAINS; j++)
		sum[0] = _mm256_add_epi32(sum[0], sum[j]);
	return sum_avx2(sum[0]);
}

const struct peak_loops quire_peak_avx2 = {
	.name = "avx2",
	.runs = runs,
	.read = read_avx2,
	.int8 = multiply_int8,
	.f32 = f32_avx2,
	.int8_ops = PEAK_CHAINS * 32 * 2,
	.f32_ops = PEAK_CHAINS * 8 * 2,
};
