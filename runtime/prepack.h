/*
 * prepack.h - copies weights into the layout that the int8 kernels of a set
 * read fastest.
 */
#ifndef QUIRE_RUNTIME_PREPACK_H
#define QUIRE_RUNTIME_PREPACK_H

#include "runtime/runtime.h"

/* Copies the tensor, if a kernel has a prepacked layout for it and there is no
 * copy yet. `model` is what quire_prepacked_remove takes. Fails with MEMORY. */
quire_status quire_prepack_tensor(quire_runtime *runtime,
				  const quire_model *model,
				  const quire_tensor *tensor,
				  quire_error *error);

/* Bytes from strip to strip, of rows of `cols` columns. */
size_t quire_strip_size(const struct prepacked_form *form, size_t cols);

#endif
