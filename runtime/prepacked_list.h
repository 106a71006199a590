/*
 * prepacked_list.h - copies of weights in the layout of a kernel set, found by
 * the address of the weights. prepack.h makes them.
 */
#ifndef QUIRE_RUNTIME_PREPACKED_LIST_H
#define QUIRE_RUNTIME_PREPACKED_LIST_H

#include <stdatomic.h>

#include "base/thread.h"
#include "runtime/request.h"

/* A copy of a matrix. `strips` is of quire_aligned_alloc. */
struct prepacked_entry {
	const quire_model *model;
	const void *weights;
	quire_dtype dtype;
	size_t n, cols;
	unsigned char *strips;
	size_t size; /* bytes of the strips */
};

/* Any thread may look while another inserts or removes. */
struct prepacked_list {
	struct rwlock lock;  /* of all below */
	atomic_size_t count; /* read without the lock, to see that it is 0 */
	size_t capacity;
	struct prepacked_entry *entries; /* by the address of the weights */
	_Atomic uint64_t size;		 /* bytes of all strips */
};

quire_status quire_prepacked_init(struct prepacked_list *list,
				  quire_error *error);
void quire_prepacked_destroy(struct prepacked_list *list);

bool quire_prepacked_has(struct prepacked_list *list, const void *weights);

/* Takes over entry->strips. If there is a copy of the weights already, or
 * memory is short, it frees them. Fails with MEMORY. */
quire_status quire_prepacked_insert(struct prepacked_list *list,
				    const struct prepacked_entry *entry,
				    quire_error *error);

/* Frees the copies of the model's weights. */
void quire_prepacked_remove(struct prepacked_list *list,
			    const quire_model *model);

/* The strips of the request's weights, until they are removed; NULL if there
 * are none. */
const unsigned char *quire_prepacked_find(struct prepacked_list *list,
					  const struct request *request);

#endif
