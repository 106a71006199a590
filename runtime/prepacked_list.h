/*
 * prepacked.h - weights that were laid out once more as a kernel set reads
 * them best: copies, found by the weights that they are of.
 */
#ifndef QUIRE_RUNTIME_PREPACKED_H
#define QUIRE_RUNTIME_PREPACKED_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/crew.h"
#include "runtime/kernel_set.h"
#include "runtime/request.h"

struct prepacked_entry;

/* Any thread may look while another adds or removes. */
struct prepacked {
	pthread_rwlock_t lock; /* of all below */
	atomic_size_t count;   /* read without it, to see that there is none */
	size_t capacity;
	struct prepacked_entry *entries; /* by the address of the weights */
	_Atomic uint64_t size;		 /* bytes of all strips */
};

quire_status quire_prepacked_init(struct prepacked *list, quire_error *error);
void quire_prepacked_destroy(struct prepacked *list);

/* Lays the tensor out, if int8 kernels have a layout for it, and it was not
 * laid out before. `model` is what
 * quire_prepacked_remove takes. Fails with MEMORY. */
quire_status quire_prepacked_add(struct prepacked *list,
				 const struct kernel_table *kernels,
				 struct crew *crew, const quire_model *model,
				 const quire_tensor *tensor,
				 quire_error *error);

/* Frees what was laid out of the model. */
void quire_prepacked_remove(struct prepacked *list, const quire_model *model);

/* The strips of the request's weights, until they are removed; NULL if there
 * are none. */
const unsigned char *quire_prepacked_find(struct prepacked *list,
					  const struct request *request);

/* Bytes from strip to strip, of rows of `cols` columns. */
size_t quire_strip_size(const struct prepacked_form *form, size_t cols);

#endif
