/*
 * activations.h - rows of x become tiles of what a kernel takes.
 */
#ifndef QUIRE_RUNTIME_ACTIVATIONS_H
#define QUIRE_RUNTIME_ACTIVATIONS_H

#include "runtime/request.h"

/* Groups of a row of x, as `form` counts them: columns of the weights up to
 * a whole group. */
size_t quire_x_groups(const struct x_form *form, const struct request *request);

/*
 * Prepares rows first to first + form->rows - 1 of x as one tile at `tile`,
 * quire_x_groups times form->size bytes. Columns from k on and rows from m on
 * count as zeros and are not read.
 */
void quire_prepare_tile(const struct kernel_table *kernels,
			const struct x_form *form,
			const struct request *request, size_t first,
			void *tile);

#endif
