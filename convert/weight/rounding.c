/*
 * rounding.c - numbers of f32 rounded to a shorter type: many to f16 at once,
 * and the roundings of a chain of Casts.
 */
#include <fp16.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "convert/weight/weight.h"

/* ------------------------------------------------------------- many to f16 */

/*
 * The library FP16 converts one number at a time. If all f16 are normal
 * numbers, as those of scales usually are, rounding is an addition of integers,
 * and compilers vectorize it; else FP16 converts all of them.
 */

#define SIGN UINT32_C(0x80000000)

/* The bits of 2^-14 and 65504: least and greatest of the normal f16. */
#define NORMAL_MIN UINT32_C(0x38800000)
#define NORMAL_MAX UINT32_C(0x477FE000)

/* Bits of the mantissa that an f16 lacks. */
#define CUT_BITS 13
#define CUT_MASK ((UINT32_C(1) << CUT_BITS) - 1)

/* The difference of the exponents' biases, 127 - 15, in its place in an f32. */
#define EXPONENT_SHIFT (UINT32_C(112) << 23)

static uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static bool all_normal(const float *values, size_t count)
{
	uint32_t out = 0;

	for (size_t i = 0; i < count; i++) {
		const uint32_t size = bits_of(values[i]) & ~SIGN;

		/* A difference below 0 sets the top bit. */
		out |= (size - NORMAL_MIN) | (NORMAL_MAX - size);
	}
	return (out & SIGN) == 0;
}

/* Adds half of what is cut off, or one bit less where a tie rounds down. A
 * carry into the exponent is correct. */
static uint32_t round_bits(uint32_t bits)
{
	const uint32_t odd = bits >> CUT_BITS & 1;

	return (bits + (CUT_MASK >> 1) + odd) & ~CUT_MASK;
}

void quire_halves_of(const float *values, size_t count, uint16_t *halves)
{
	if (!all_normal(values, count)) {
		for (size_t i = 0; i < count; i++)
			halves[i] = fp16_ieee_from_fp32_value(values[i]);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const uint32_t bits = bits_of(values[i]);
		const uint32_t rounded = round_bits(bits & ~SIGN);

		halves[i] = (uint16_t)((rounded - EXPONENT_SHIFT) >> CUT_BITS |
				       (bits & SIGN) >> 16);
	}
}

void quire_halves_round(const float *values, size_t count, float *rounded)
{
	if (!all_normal(values, count)) {
		for (size_t i = 0; i < count; i++)
			rounded[i] = fp16_ieee_to_fp32_value(
			    fp16_ieee_from_fp32_value(values[i]));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const uint32_t bits = round_bits(bits_of(values[i]));

		memcpy(&rounded[i], &bits, sizeof(bits));
	}
}

/* ------------------------------------------------------------ chains of Cast
 */

/*
 * The roundings of a chain of Casts between float types, in a form that does
 * not depend on the chain's length. Each Cast goes through f32, to the nearest
 * number, ties to even, as in ONNX Runtime.
 */

enum {
	ROUND_F16 = 1,
	ROUND_BF16 = 2
};

#define STEP_BITS 2
#define STEP_MASK ((UINT64_C(1) << STEP_BITS) - 1)

/*
 * After three roundings that differ from their neighbours a number is one of
 * both types, and further ones do not change it: it has the 8 bits of BFLOAT16
 * at most, and rounding to FLOAT16 after that only takes bits away, or gives
 * infinity or 0.
 */
#define STEPS_MAX 3

uint64_t quire_casts_add(uint64_t casts, int32_t type, int32_t to)
{
	const uint64_t step = to == ONNX_FLOAT16    ? ROUND_F16
			      : to == ONNX_BFLOAT16 ? ROUND_BF16
						    : 0;
	uint64_t last = type == ONNX_FLOAT16	? ROUND_F16
			: type == ONNX_BFLOAT16 ? ROUND_BF16
						: 0;
	unsigned count = 0;

	for (uint64_t left = casts; left; left >>= STEP_BITS, count++)
		last = left & STEP_MASK;
	if (step == 0 || step == last || count == STEPS_MAX)
		return casts;
	return casts | step << STEP_BITS * count;
}

/* The upper half of an f32, rounded. A NaN stays a NaN. */
static float round_bf16(float value)
{
	const uint32_t bits = fp32_to_bits(value);

	if (isnan(value))
		return value;
	return fp32_from_bits((bits + 0x7fff + (bits >> 16 & 1)) &
			      UINT32_C(0xFFFF0000));
}

void quire_casts_round(uint64_t casts, float *values, size_t count)
{
	for (; casts; casts >>= STEP_BITS)
		for (size_t i = 0; i < count; i++)
			values[i] =
			    (casts & STEP_MASK) == ROUND_BF16
				? round_bf16(values[i])
				: fp16_ieee_to_fp32_value(
				      fp16_ieee_from_fp32_value(values[i]));
}
