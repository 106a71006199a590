/*
 * casts.c - the roundings of a chain of Casts between float types, in a form
 * that does not depend on the chain's length. Each Cast goes through f32, to
 * the nearest number, ties to even, as in ONNX Runtime.
 */
#include <fp16.h>
#include <math.h>

#include "convert/weight/weight.h"

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
