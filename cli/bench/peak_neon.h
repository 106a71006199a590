/*
 * peak_neon.h - the loops for arm64 that its kernel sets have in common. A file
 * may define NEON_MULTIPLY(sum, x) before it includes this: the int8 products
 * of x with itself, added to sum, in one instruction. int8_neon then runs only
 * that.
 */
#ifndef QUIRE_CLI_BENCH_PEAK_NEON_H
#define QUIRE_CLI_BENCH_PEAK_NEON_H

#ifndef __ARM_NEON
#error "compile this file for arm64"
#endif

#include <arm_neon.h>

#include "cli/bench/peak_loops.h"

static inline uint64_t read_steps(const void *data, size_t size, bool ahead)
{
	const uint8_t *bytes = data;
	uint64x2_t a = vdupq_n_u64(0);
	uint64x2_t b = a, c = a, d = a;

	for (size_t i = 0; i + 64 <= size; i += 64) {
		const uint8x16x4_t line = vld1q_u8_x4(bytes + i);

		if (ahead && i % PEAK_STEP == 0)
			peak_prefetch(bytes + i);
		a = vaddq_u64(a, vreinterpretq_u64_u8(line.val[0]));
		b = vaddq_u64(b, vreinterpretq_u64_u8(line.val[1]));
		c = vaddq_u64(c, vreinterpretq_u64_u8(line.val[2]));
		d = vaddq_u64(d, vreinterpretq_u64_u8(line.val[3]));
	}
	return vaddvq_u64(vaddq_u64(vaddq_u64(a, b), vaddq_u64(c, d)));
}

static inline uint64_t read_neon(const void *data, size_t size)
{
	return read_steps(data, size, false);
}

static inline uint64_t read_ahead_neon(const void *data, size_t size)
{
	return read_steps(data, size, true);
}

/* More chains than elsewhere, for four units of latency 4. */
#define NEON_CHAINS 20

#ifdef NEON_MULTIPLY
static inline uint64_t int8_neon(size_t rounds)
{
	volatile int8_t start = 3;
	const int8x16_t x = vdupq_n_s8(start);
	int32x4_t sum[NEON_CHAINS];

#pragma GCC unroll 20
	for (size_t j = 0; j < NEON_CHAINS; j++)
		sum[j] = vdupq_n_s32((int32_t)j);
	for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 20
		for (size_t j = 0; j < NEON_CHAINS; j++) {
			sum[j] = NEON_MULTIPLY(sum[j], x);
			PEAK_HOLD(sum[j]);
		}
	}
#pragma GCC unroll 20
	for (size_t j = 1; j < NEON_CHAINS; j++)
		sum[0] = vaddq_s32(sum[0], sum[j]);
	return (uint64_t)vaddvq_s32(sum[0]);
}
#endif

static inline uint64_t f32_neon(size_t rounds)
{
	volatile float factor = 0.5F;
	const float32x4_t x = vdupq_n_f32(factor);
	float32x4_t sum[NEON_CHAINS];

#pragma GCC unroll 20
	for (size_t j = 0; j < NEON_CHAINS; j++)
		sum[j] = vdupq_n_f32((float)j);
	for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 20
		for (size_t j = 0; j < NEON_CHAINS; j++) {
			sum[j] = vfmaq_f32(sum[j], sum[j], x);
			PEAK_HOLD(sum[j]);
		}
	}
#pragma GCC unroll 20
	for (size_t j = 1; j < NEON_CHAINS; j++)
		sum[0] = vaddq_f32(sum[0], sum[j]);
	return (uint64_t)vaddvq_f32(sum[0]);
}

#endif
