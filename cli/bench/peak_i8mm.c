/*
 * peak_i8mm.c - the loops for arm64 with the int8 matrix instructions: each
 * multiplies two 2 x 8 matrices, 32 products.
 */
#ifndef __ARM_FEATURE_MATMUL_INT8
#error "compile this file with i8mm"
#endif

#define NEON_MULTIPLY(sum, x) vmmlaq_s32(sum, x, x)

#include "base/cpu.h"
#include "cli/bench/peak_neon.h"

static bool runs(void)
{
	return quire_cpu_features() & CPU_I8MM;
}

const struct peak_loops quire_peak_i8mm = {
	.name = "neon_i8mm",
	.runs = runs,
	.read_ahead = read_ahead_neon,
	.read = read_neon,
	.int8 = int8_neon,
	.f32 = f32_neon,
	.int8_ops = NEON_CHAINS * 32 * 2,
	.f32_ops = NEON_CHAINS * 4 * 2,
};
