/*
 * activations.h - rows of x to tiles in the layout that a kernel reads.
 */
#ifndef QUIRE_RUNTIME_ACTIVATIONS_H
#define QUIRE_RUNTIME_ACTIVATIONS_H

#include "runtime/request.h"

/* The groups of a row of x: the columns of the weights, in whole groups. */
size_t quire_x_groups(const struct x_form *form, const struct request *request);

/*
 * Prepares rows first to end - 1 of x as one tile, of quire_x_groups times
 * form->size bytes. Columns from k on and further rows of the tile are zeros.
 */
void quire_prepare_tile(const struct kernel_table *kernels,
			const struct x_form *form,
			const struct request *request, size_t first, size_t end,
			void *tile);

#endif
