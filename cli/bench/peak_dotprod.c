/*
 * peak_dotprod.c - the loops for arm64 with the dot product instructions.
 */
#ifndef __ARM_FEATURE_DOTPROD
#error "compile this file with dotprod"
#endif

#define NEON_MULTIPLY(sum, x) vdotq_s32(sum, x, x)

#include "base/cpu.h"
#include "cli/bench/peak_neon.h"

static bool runs(void)
{
	return quire_cpu_features() & CPU_DOTPROD;
}

const struct peak_loops quire_peak_dotprod = {
	.name = "neon_dotprod",
	.runs = runs,
	.read_ahead = read_ahead_neon,
	.read = read_neon,
	.int8 = int8_neon,
	.f32 = f32_neon,
	.int8_ops = NEON_CHAINS * 16 * 2,
	.f32_ops = NEON_CHAINS * 4 * 2,
};
