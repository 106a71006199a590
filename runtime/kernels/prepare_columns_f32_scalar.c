/*
 * prepare_columns_f32_scalar.c - activations for f32 compute, column by column:
 * all rows of a tile beside each other, for kernels whose lanes they are.
 */
#include "runtime/kernels/kernels_scalar.h"

void quire_prepare_columns_f32_scalar(const struct x_form *form, const float *x,
				      size_t groups, size_t row, void *out)
{
	float *to = (float *)out + row;

	for (size_t i = 0; i < groups * form->group; i++)
		to[i * form->rows] = x[i];
}
