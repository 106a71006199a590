/*
 * peak_dotprod.c - the loops for arm64 with the dot product instructions.
 */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile this file with dotprod"
#endif

#include "cli/bench/peak_arm64.h"
#include "cli/bench/peak_neon.h"

static uint64_t multiply_int8(size_t rounds)
{
	volatile int8_t start = 3;
	const int8x16_t x = vdupq_n_s8(start);
	int32x4_t sum[NEON_CHAINS];

	for (size_t j = 0; j < NEON_CHAINS; j++)
		sum[j] = vdupq_n_s32((int32_t)j);
	for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 20
		for (size_t j = 0; j < NEON_CHAINS; j++)
			sum[j] = vdotq_s32(sum[j], x, x);
	}
	for (size_t j = 1; j < NEON_CHAINS; j++)
		sum[0] = vaddq_s32(sum[0], sum[j]);
	return (uint64_t)vaddvq_s32(sum[0]);
}

const struct peak_loops quire_peak_dotprod = {
	.name = "dotprod",
	.runs = peak_has_dotprod,
	.read = read_neon,
	.int8 = multiply_int8,
	.f32 = f32_neon,
	.int8_ops = NEON_CHAINS * 16 * 2,
	.f32_ops = NEON_CHAINS * 4 * 2,
};
