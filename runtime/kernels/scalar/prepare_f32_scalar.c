/*
 * prepare_f32_scalar.c - activations for f32 compute: copied as they are, the
 * rows of a tile close together, so that a kernel finds each at a constant
 * distance and no two in one cache set.
 */
#include <assert.h>
#include <string.h>

#include "runtime/kernels/scalar/kernels_scalar.h"

/* Copies of a size that compilers know need no call. */
#define PIECE 16

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
