/*
 * peak_neon.c - the loops for every arm64 CPU.
 *
 * int8: SMLAL multiplies 8 bytes by 8 and adds the products to 16 bits. Codes
 * of 4 bits less 8 are at most 8 in size, so 32 products fit (32 x 8 x 127 =
 * 32512 < 32768): a block of 32 columns in each of 8 lanes. SADALP then widens
 * them, once for 256 products. The kernels widen after each product, as
 * products of codes of 8 bits need it, and so have half of this at most.
 */
#include "cli/bench/peak_neon.h"
#include "base/cpu.h"

#define STEPS  32
#define BLOCKS 8

static bool runs(void)
{
	return quire_cpu_features() & CPU_NEON;
}

static uint64_t multiply_int8(size_t rounds)
{
	volatile int8_t start = 3;
	const int8x8_t w = vdup_n_s8(start);
	int8x8_t x = w;
	int32x4_t total[BLOCKS];

#pragma GCC unroll 8
	for (size_t j = 0; j < BLOCKS; j++)
		total[j] = vdupq_n_s32(0);
	for (size_t i = 0; i < rounds; i++) {
		int16x8_t sum[BLOCKS];

#pragma GCC unroll 8
		for (size_t j = 0; j < BLOCKS; j++) {
			/* As if x were another one each time. */
			PEAK_HOLD(x);
			sum[j] = vmull_s8(w, x);
		}
#pragma GCC unroll 32
		for (size_t step = 1; step < STEPS; step++)
#pragma GCC unroll 8
			for (size_t j = 0; j < BLOCKS; j++) {
				PEAK_HOLD(x);
				sum[j] = vmlal_s8(sum[j], w, x);
				PEAK_HOLD(sum[j]);
			}
#pragma GCC unroll 8
		for (size_t j = 0; j < BLOCKS; j++)
			total[j] = vpadalq_s16(total[j], sum[j]);
	}
#pragma GCC unroll 8
	for (size_t j = 1; j < BLOCKS; j++)
		total[0] = vaddq_s32(total[0], total[j]);
	return (uint64_t)vaddvq_s32(total[0]);
}

const struct peak_loops quire_peak_neon = {
	.name = "neon",
	.runs = runs,
	.read_ahead = read_ahead_neon,
	.read = read_neon,
	.int8 = multiply_int8,
	.f32 = f32_neon,
	.int8_ops = BLOCKS * STEPS * 8 * 2,
	.f32_ops = NEON_CHAINS * 4 * 2,
};
