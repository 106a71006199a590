/*
 * scratch_list.c - a list of pieces of memory, under a mutex.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "runtime/scratch_list.h"

quire_status quire_scratch_init(struct scratch_list *list, quire_error *error)
{
	list->first = NULL;
	if (!quire_mutex_init(&list->mutex))
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "cannot create a mutex");
	return QUIRE_OK;
}

static void free_scratch(struct scratch *scratch)
{
	quire_aligned_free(scratch->bytes);
	free(scratch);
}

void quire_scratch_destroy(struct scratch_list *list)
{
	while (list->first) {
		struct scratch *scratch = list->first;

		list->first = scratch->next;
		free_scratch(scratch);
	}
	quire_mutex_destroy(&list->mutex);
}

static struct scratch *pop(struct scratch_list *list)
{
	struct scratch *scratch;

	quire_mutex_lock(&list->mutex);
	scratch = list->first;
	if (scratch)
		list->first = scratch->next;
	quire_mutex_unlock(&list->mutex);
	return scratch;
}

void quire_scratch_give(struct scratch_list *list, struct scratch *scratch)
{
	quire_mutex_lock(&list->mutex);
	scratch->next = list->first;
	list->first = scratch;
	quire_mutex_unlock(&list->mutex);
}

/* Replaces the bytes by more; their content is lost. */
static bool grow(struct scratch *scratch, size_t size)
{
	quire_aligned_free(scratch->bytes);
	scratch->bytes = quire_aligned_alloc(QUIRE_SCRATCH_ALIGNMENT, size);
	scratch->size = scratch->bytes ? size : 0;
	return scratch->bytes != NULL;
}

quire_status quire_scratch_take(struct scratch_list *list, size_t size,
				struct scratch **scratch, quire_error *error)
{
	struct scratch *taken = pop(list);

	if (!taken) {
		taken = calloc(1, sizeof(*taken));
		if (!taken)
			return quire_fail_memory(error, sizeof(*taken));
	}
	if (taken->size < size && !grow(taken, size)) {
		quire_scratch_give(list, taken);
		return quire_fail_memory(error, size);
	}
	*scratch = taken;
	return QUIRE_OK;
}
