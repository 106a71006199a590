/*
 * prepare_int8_scalar.c - x for int8 compute, quantized as spec/kernels.md
 * defines it.
 */
#include <math.h>
#include <string.h>

#include "runtime/kernels/quantize.h"
#include "runtime/kernels/scalar/geometry_scalar.h"

/* The largest magnitude, compared as bits: a NaN is larger than any number. */
static uint32_t max_magnitude(const float *x)
{
	uint32_t max = 0;

	for (int i = 0; i < QUIRE_BLOCK_COLS; i++) {
		uint32_t bits;

		memcpy(&bits, x + i, sizeof(bits));
		bits &= QUIRE_F32_MAGNITUDE;
		if (bits > max)
			max = bits;
	}
	return max;
}

/* Writes the codes and returns the scale. */
static float quantize(const float *x, int8_t *codes)
{
	const uint32_t bits = max_magnitude(x);
	float max, inverse;

	memcpy(&max, &bits, sizeof(max));
	memset(codes, 0, QUIRE_BLOCK_COLS);
	if (bits >= QUIRE_F32_INFINITY)
		return NAN;
	if (max <= QUIRE_INT8_TINY)
		return 0.0F;
	inverse = QUIRE_INT8_MAX / max;
	for (int i = 0; i < QUIRE_BLOCK_COLS; i++)
		codes[i] = (int8_t)nearbyintf(x[i] * inverse);
	return max / QUIRE_INT8_MAX;
}

void quire_prepare_int8_scalar(const struct x_form *form, const float *x,
			       size_t groups, size_t row, void *out)
{
	const size_t rows = form->rows;
	unsigned char *block = out;

	for (size_t g = 0; g < groups; g++) {
		int8_t codes[QUIRE_BLOCK_COLS];
		const float scale = quantize(x, codes);
		int32_t offset = 0;

		for (int i = 0; i < QUIRE_BLOCK_COLS; i++)
			offset += form->factor * codes[i];
		memcpy(block + row * sizeof(codes), codes, sizeof(codes));
		memcpy(block + QUIRE_INT8_SCALES(rows) + row * sizeof(scale),
		       &scale, sizeof(scale));
		memcpy(block + QUIRE_INT8_OFFSETS(rows) + row * sizeof(offset),
		       &offset, sizeof(offset));
		x += QUIRE_BLOCK_COLS;
		block += form->size;
	}
}
