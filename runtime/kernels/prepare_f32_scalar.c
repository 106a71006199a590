/*
 * prepare_f32_scalar.c - activations for f32 compute: copied as they are, the
 * rows of a tile close together, so that a kernel finds each at a constant
 * distance and no two in one cache set.
 */
#include <string.h>

#include "runtime/kernels/kernels_scalar.h"

void quire_prepare_f32_scalar(const struct x_form *form, const float *x,
			      size_t groups, size_t row, void *out)
{
	const size_t size = form->group * sizeof(*x);
	unsigned char *to = (unsigned char *)out + row * size;

	for (size_t g = 0; g < groups; g++)
		memcpy(to + g * form->size, x + g * form->group, size);
}
