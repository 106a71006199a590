/*
 * convert_f16_scalar.c - between f16 and f32, by the FP16 library.
 */
#include <fp16.h>

#include "runtime/kernels/scalar/geometry_scalar.h"

void quire_from_f16_scalar(const uint16_t *x, size_t count, float *y)
{
	for (size_t i = 0; i < count; i++)
		y[i] = fp16_ieee_to_fp32_value(x[i]);
}

void quire_to_f16_scalar(const float *x, size_t count, uint16_t *y)
{
	for (size_t i = 0; i < count; i++)
		y[i] = fp16_ieee_from_fp32_value(x[i]);
}
