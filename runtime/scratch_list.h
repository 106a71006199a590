/*
 * scratch_list.h - working memory that calls borrow from the runtime and give
 * back, so that a call like an earlier one allocates nothing.
 *
 * The list has as many pieces as calls ever ran at once. A piece is as large as
 * the largest call that used it; gemm.c states the bound.
 */
#ifndef QUIRE_RUNTIME_SCRATCH_LIST_H
#define QUIRE_RUNTIME_SCRATCH_LIST_H

#include <stddef.h>

#include "base/thread.h"
#include "quire.h"

/* A page: a core prefetches within one. If two threads write to one page, each
 * prefetches what the other writes, and both are slower. */
#define QUIRE_SCRATCH_ALIGNMENT 4096

struct scratch {
	struct scratch *next; /* in the list, while no call has it */
	size_t size;
	unsigned char *bytes; /* QUIRE_SCRATCH_ALIGNMENT aligned */
};

struct scratch_list {
	struct mutex mutex;
	struct scratch *first;
};

quire_status quire_scratch_init(struct scratch_list *list, quire_error *error);
void quire_scratch_destroy(struct scratch_list *list);

/* *scratch = a piece of at least `size` bytes with any content, for the caller
 * until quire_scratch_give. Any thread may call. */
quire_status quire_scratch_take(struct scratch_list *list, size_t size,
				struct scratch **scratch, quire_error *error);
void quire_scratch_give(struct scratch_list *list, struct scratch *scratch);

#endif
