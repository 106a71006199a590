/*
 * lazy.h - QUIRE_VERIFY_LAZY: tensors held against their checksums when they
 * are first used.
 */
#ifndef QUIRE_LOADER_LAZY_H
#define QUIRE_LOADER_LAZY_H

#include "loader/model.h"

/* Has every tensor of the model checked at its first use. Fails with MEMORY,
 * and NOT_FOUND for a model that carries no checksums. */
quire_status quire_lazy_create(quire_model *model, quire_error *error);
/* NULL is fine. */
void quire_lazy_free(struct lazy *lazy);

quire_status quire_lazy_check(const quire_tensor *tensor, quire_error *error);

/* What a runtime calls before it reads a tensor. Any thread may, and all wait
 * while the first one hashes. Fails with CHECKSUM and MEMORY. */
static inline quire_status quire_tensor_check(const quire_tensor *tensor,
					      quire_error *error)
{
	return tensor->check ? quire_lazy_check(tensor, error) : QUIRE_OK;
}

#endif
