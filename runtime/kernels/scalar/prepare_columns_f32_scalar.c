/*
 * prepare_columns_f32_scalar.c - activations for f32 compute, for kernels whose
 * lanes are rows of x: groups of a few columns, those of all rows of a tile
 * beside each other.
 */
#include <assert.h>
#include <string.h>

#include "runtime/kernels/scalar/kernels_scalar.h"

/* `group` is constant, for copies of a size that compilers know. */
static inline void place(const float *x, size_t groups, size_t group,
			 size_t stride, float *to)
{
	for (size_t g = 0; g < groups; g++, x += group, to += stride)
		memcpy(to, x, group * sizeof(*x));
}

void quire_prepare_columns_f32_scalar(const struct x_form *form, const float *x,
				      size_t groups, size_t row, void *out)
{
	const size_t stride = (size_t)form->rows * form->group;
	float *to = (float *)out + row * form->group;

	switch (form->group) {
	case 1:
		place(x, groups, 1, stride, to);
		break;
	case 2:
		place(x, groups, 2, stride, to);
		break;
	case 4:
		place(x, groups, 4, stride, to);
		break;
	default:
		assert(form->group == 8);
		place(x, groups, 8, stride, to);
	}
}
