/*
 * lazy.h - QUIRE_VERIFY_LAZY: tensors are compared with their checksums when
 * they are first used.
 */
#ifndef QUIRE_LOADER_LAZY_H
#define QUIRE_LOADER_LAZY_H

#include "loader/model.h"

/* From now on every tensor of the model is checked at its first use. Fails with
 * MEMORY, and with NOT_FOUND for a model without checksums. */
quire_status quire_lazy_create(quire_model *model, quire_error *error);
/* NULL is fine. */
void quire_lazy_free(struct lazy *lazy);

quire_status quire_lazy_check(const quire_tensor *tensor, quire_error *error);

/* A runtime calls this before it reads a tensor. Any threads may call it at
 * once: they wait while the first one hashes. Fails with CHECKSUM and MEMORY.
 */
static inline quire_status quire_tensor_check(const quire_tensor *tensor,
					      quire_error *error)
{
	return tensor->check ? quire_lazy_check(tensor, error) : QUIRE_OK;
}

#endif
