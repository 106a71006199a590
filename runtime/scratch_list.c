/*
 * scratch_list.c - a list of pieces of memory under a mutex.
 */
#include "runtime/scratch_list.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/error.h"

quire_status quire_scratch_init(struct scratch_list *list, quire_error *error)
{
	list->first = NULL;
	if (pthread_mutex_init(&list->mutex, NULL) != 0)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "cannot create a mutex");
	return QUIRE_OK;
}

static void free_scratch(struct scratch *scratch)
{
	free(scratch->bytes);
	free(scratch);
}

void quire_scratch_destroy(struct scratch_list *list)
{
	while (list->first) {
		struct scratch *scratch = list->first;

		list->first = scratch->next;
		free_scratch(scratch);
	}
	pthread_mutex_destroy(&list->mutex);
}

static struct scratch *pop(struct scratch_list *list)
{
	struct scratch *scratch;

	pthread_mutex_lock(&list->mutex);
	scratch = list->first;
	if (scratch)
		list->first = scratch->next;
	pthread_mutex_unlock(&list->mutex);
	return scratch;
}

void quire_scratch_give(struct scratch_list *list, struct scratch *scratch)
{
	pthread_mutex_lock(&list->mutex);
	scratch->next = list->first;
	list->first = scratch;
	pthread_mutex_unlock(&list->mutex);
}

/* Replaces the bytes by more; what was in them is lost. */
static bool grow(struct scratch *scratch, size_t size)
{
	uint64_t padded;

	free(scratch->bytes);
	scratch->bytes = NULL;
	scratch->size = 0;
	if (!checked_pad(size, QUIRE_SCRATCH_ALIGNMENT, &padded) ||
	    padded > SIZE_MAX)
		return false;
	scratch->bytes = aligned_alloc(QUIRE_SCRATCH_ALIGNMENT, (size_t)padded);
	if (!scratch->bytes)
		return false;
	scratch->size = (size_t)padded;
	return true;
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
