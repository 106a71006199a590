/*
 * prepare_int8_neon.c - x for int8 compute.
 */
#include <math.h>
#include <string.h>

#include "runtime/kernels/neon/decode_neon.h"

/* The scale of a block; *inverse = the factor by which it is quantized. */
static inline float find_scale(const float32x4_t x[NEON_VECTORS],
			       float *inverse)
{
	const uint32x4_t magnitude = vdupq_n_u32(QUIRE_F32_MAGNITUDE);
	uint32x4_t most = vdupq_n_u32(0);
	uint32_t bits;
	float max;

	QUIRE_UNROLL
	for (int i = 0; i < NEON_VECTORS; i++)
		most = vmaxq_u32(
		    most, vandq_u32(vreinterpretq_u32_f32(x[i]), magnitude));
	bits = vmaxvq_u32(most);
	memcpy(&max, &bits, sizeof(max));
	*inverse = 0.0F;
	if (bits >= QUIRE_F32_INFINITY)
		return NAN;
	if (max <= QUIRE_INT8_TINY)
		return 0.0F;
	*inverse = QUIRE_INT8_MAX / max;
	return max / QUIRE_INT8_MAX;
}

/* Four numbers as integers; a NaN becomes 0. */
static inline int32x4_t to_codes(float32x4_t x, float32x4_t inverse)
{
	return vcvtnq_s32_f32(vmulq_f32(x, inverse));
}

static inline int8x16_t quantize(const float32x4_t x[4], float32x4_t inverse)
{
	const int16x8_t a = vcombine_s16(vmovn_s32(to_codes(x[0], inverse)),
					 vmovn_s32(to_codes(x[1], inverse)));
	const int16x8_t b = vcombine_s16(vmovn_s32(to_codes(x[2], inverse)),
					 vmovn_s32(to_codes(x[3], inverse)));

	return vcombine_s8(vmovn_s16(a), vmovn_s16(b));
}

void quire_prepare_int8_neon(const struct x_form *form, const float *x,
			     size_t groups, size_t row, void *out)
{
	const size_t rows = form->rows;
	unsigned char *block = out;

	for (size_t g = 0; g < groups; g++) {
		int8_t *codes = (int8_t *)block + row * QUIRE_BLOCK_COLS;
		float32x4_t columns[NEON_VECTORS];
		float inverse, scale;
		int8x16_t low, high;
		int32_t offset;

		QUIRE_UNROLL
		for (int i = 0; i < NEON_VECTORS; i++)
			columns[i] = vld1q_f32(x + (size_t)i * 4);
		scale = find_scale(columns, &inverse);
		low = quantize(columns, vdupq_n_f32(inverse));
		high = quantize(columns + 4, vdupq_n_f32(inverse));
		offset = form->factor * (vaddlvq_s8(low) + vaddlvq_s8(high));
		vst1q_s8(codes, low);
		vst1q_s8(codes + 16, high);
		memcpy(block + QUIRE_INT8_SCALES(rows) + row * sizeof(scale),
		       &scale, sizeof(scale));
		memcpy(block + QUIRE_INT8_OFFSETS(rows) + row * sizeof(offset),
		       &offset, sizeof(offset));
		x += QUIRE_BLOCK_COLS;
		block += form->size;
	}
}
