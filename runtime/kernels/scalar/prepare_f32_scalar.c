/*
 * prepare_f32_scalar.c - x for f32 compute, copied as it is. Every set uses
 * these.
 */
#include <assert.h>
#include <string.h>

#include "runtime/kernels/scalar/geometry_scalar.h"

/* Floats of a copy: a compiler needs no call for a size that it knows. */
#define PIECE 16

/* The rows of a tile lie close together, so that a kernel finds each at a
 * constant distance, and no two begin in the same cache set. */
void quire_prepare_f32_scalar(const struct x_form *form, const float *x,
			      size_t groups, size_t row, void *out)
{
	unsigned char *to =
	    (unsigned char *)out + row * form->group * sizeof(*x);

	assert(form->group % PIECE == 0);
	for (size_t g = 0; g < groups; g++, to += form->size)
		for (size_t i = 0; i < form->group; i += PIECE, x += PIECE)
			memcpy(to + i * sizeof(*x), x, PIECE * sizeof(*x));
}

/* `group` is constant, so that each copy is of a size that a compiler knows. */
static inline void place(const float *x, size_t groups, size_t group,
			 size_t stride, float *to)
{
	for (size_t g = 0; g < groups; g++, x += group, to += stride)
		memcpy(to, x, group * sizeof(*x));
}

/* For kernels whose lanes are rows of x: a few columns of all rows of a tile
 * lie beside each other. */
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
