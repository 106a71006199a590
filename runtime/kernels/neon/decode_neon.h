/*
 * decode_neon.h - 32 columns of a row of weights as f32, or a block's codes as
 * signed bytes, for each weight type.
 */
#ifndef QUIRE_RUNTIME_KERNELS_NEON_DECODE_NEON_H
#define QUIRE_RUNTIME_KERNELS_NEON_DECODE_NEON_H

#ifndef __ARM_NEON
#error "compile for arm64"
#endif

#include <arm_neon.h>

#include "runtime/kernels/neon/geometry_neon.h"
#include "runtime/kernels/quantize.h"
#include "runtime/kernels/unroll.h"

/* 32 columns are 8 vectors. */
#define NEON_VECTORS 8

/* 32 columns of weights: vector i has columns 4i to 4i + 3. Only the last step
 * of Q4_1 rounds. */
typedef void (*decode_fn)(const unsigned char *weights,
			  float32x4_t w[NEON_VECTORS]);

/* The codes of a block, column 0 first. */
typedef int8x16x2_t (*codes_fn)(const unsigned char *block);

/* An f16, in all lanes. */
QUIRE_INLINE float32x4_t load_scale(const unsigned char *bytes)
{
	const uint8x8_t two = vreinterpret_u8_u16(
	    vdup_n_u16((uint16_t)(bytes[0] | bytes[1] << 8)));

	return vcvt_f32_f16(vreinterpret_f16_u8(two));
}

/* 4-bit codes as they are. */
QUIRE_INLINE int8x16x2_t split_codes(const unsigned char *bytes)
{
	const uint8x16_t codes = vld1q_u8(bytes);

	return (int8x16x2_t){ {
	    vreinterpretq_s8_u8(vandq_u8(codes, vdupq_n_u8(15))),
	    vreinterpretq_s8_u8(vshrq_n_u8(codes, 4)),
	} };
}

QUIRE_INLINE int8x16x2_t codes_q4_0(const unsigned char *block)
{
	const int8x16_t zero = vdupq_n_s8(QUIRE_Q4_0_ZERO);
	int8x16x2_t codes = split_codes(block + QUIRE_Q4_0_CODES);

	codes.val[0] = vsubq_s8(codes.val[0], zero);
	codes.val[1] = vsubq_s8(codes.val[1], zero);
	return codes;
}

QUIRE_INLINE int8x16x2_t codes_q4_1(const unsigned char *block)
{
	return split_codes(block + QUIRE_Q4_1_CODES);
}

QUIRE_INLINE int8x16x2_t codes_q8_0(const unsigned char *block)
{
	const uint8_t *codes = block + QUIRE_Q8_0_CODES;

	return (int8x16x2_t){ {
	    vreinterpretq_s8_u8(vld1q_u8(codes)),
	    vreinterpretq_s8_u8(vld1q_u8(codes + 16)),
	} };
}

QUIRE_INLINE void widen_codes(int8x16x2_t codes, float32x4_t w[NEON_VECTORS])
{
	QUIRE_UNROLL
	for (int i = 0; i < 2; i++) {
		const int16x8_t a = vmovl_s8(vget_low_s8(codes.val[i]));
		const int16x8_t b = vmovl_high_s8(codes.val[i]);

		w[i * 4] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(a)));
		w[i * 4 + 1] = vcvtq_f32_s32(vmovl_high_s16(a));
		w[i * 4 + 2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(b)));
		w[i * 4 + 3] = vcvtq_f32_s32(vmovl_high_s16(b));
	}
}

QUIRE_INLINE void decode_q4_0(const unsigned char *weights,
			      float32x4_t w[NEON_VECTORS])
{
	const float32x4_t d = load_scale(weights);

	widen_codes(codes_q4_0(weights), w);
	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		w[i] = vmulq_f32(w[i], d);
}

/* q d is exact, so a fused addition of m rounds as a separate one does. */
QUIRE_INLINE void decode_q4_1(const unsigned char *weights,
			      float32x4_t w[NEON_VECTORS])
{
	const float32x4_t d = load_scale(weights);
	const float32x4_t low = load_scale(weights + QUIRE_Q4_1_MIN);

	widen_codes(codes_q4_1(weights), w);
	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		w[i] = vfmaq_f32(low, w[i], d);
}

QUIRE_INLINE void decode_q8_0(const unsigned char *weights,
			      float32x4_t w[NEON_VECTORS])
{
	const float32x4_t d = load_scale(weights);

	widen_codes(codes_q8_0(weights), w);
	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		w[i] = vmulq_f32(w[i], d);
}

QUIRE_INLINE uint16x4_t load_u16x4(const unsigned char *bytes)
{
	return vreinterpret_u16_u8(vld1_u8(bytes));
}

QUIRE_INLINE void decode_f16(const unsigned char *weights,
			     float32x4_t w[NEON_VECTORS])
{
	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		w[i] = vcvt_f32_f16(
		    vreinterpret_f16_u16(load_u16x4(weights + (size_t)i * 8)));
}

/* A BF16 is the upper half of an f32. */
QUIRE_INLINE void decode_bf16(const unsigned char *weights,
			      float32x4_t w[NEON_VECTORS])
{
	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		w[i] = vreinterpretq_f32_u32(
		    vshll_n_u16(load_u16x4(weights + (size_t)i * 8), 16));
}

QUIRE_INLINE void decode_f32(const unsigned char *weights,
			     float32x4_t w[NEON_VECTORS])
{
	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		w[i] = vreinterpretq_f32_u8(vld1q_u8(weights + (size_t)i * 16));
}

#endif
