/*
 * prepare_columns_f32_scalar.c - activations for f32 compute, for kernels whose
 * lanes are rows of x: as many columns of all rows of a tile beside each other
 * as fill a vector.
 */
#include "runtime/kernels/kernels_scalar.h"

#define LANES 16

void quire_prepare_columns_f32_scalar(const struct x_form *form, const float *x,
				      size_t groups, size_t row, void *out)
{
	const size_t columns = LANES / form->rows;
	float *to = (float *)out + row * columns;

	for (size_t i = 0; i < groups * form->group; i += columns, to += LANES)
		for (size_t j = 0; j < columns; j++)
			to[j] = x[i + j];
}
