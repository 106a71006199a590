/*
 * prepacked_list.c - a list under a lock, sorted by the address of the weights.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "base/memory.h"
#include "runtime/prepacked_list.h"

quire_status quire_prepacked_init(struct prepacked_list *list,
				  quire_error *error)
{
	if (!quire_rwlock_init(&list->lock))
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "cannot create a lock");
	atomic_init(&list->count, 0);
	list->capacity = 0;
	list->entries = NULL;
	atomic_init(&list->size, 0);
	return QUIRE_OK;
}

void quire_prepacked_destroy(struct prepacked_list *list)
{
	for (size_t i = 0; i < atomic_load(&list->count); i++)
		quire_aligned_free(list->entries[i].strips);
	free(list->entries);
	quire_rwlock_destroy(&list->lock);
}

/* ------------------------------------------------------- under the lock */

/* Entries before this place are of weights at lower addresses. */
static size_t find_place(const struct prepacked_list *list, const void *weights)
{
	size_t low = 0, high = atomic_load(&list->count);

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if ((uintptr_t)list->entries[middle].weights <
		    (uintptr_t)weights)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct prepacked_entry *find(const struct prepacked_list *list,
					  const void *weights)
{
	const size_t place = find_place(list, weights);

	if (place == atomic_load(&list->count) ||
	    list->entries[place].weights != weights)
		return NULL;
	return &list->entries[place];
}

static bool insert(struct prepacked_list *list,
		   const struct prepacked_entry *entry)
{
	const size_t count = atomic_load(&list->count);
	const size_t place = find_place(list, entry->weights);
	struct prepacked_entry *grown =
	    quire_grow(list->entries, &list->capacity, count, sizeof(*grown));

	if (!grown)
		return false;
	list->entries = grown;
	memmove(list->entries + place + 1, list->entries + place,
		(count - place) * sizeof(*entry));
	list->entries[place] = *entry;
	list->size += entry->size;
	atomic_store(&list->count, count + 1);
	return true;
}

/* ----------------------------------------------------------------------- */

bool quire_prepacked_has(struct prepacked_list *list, const void *weights)
{
	bool found;

	quire_rwlock_lock_read(&list->lock);
	found = find(list, weights) != NULL;
	quire_rwlock_unlock(&list->lock);
	return found;
}

quire_status quire_prepacked_insert(struct prepacked_list *list,
				    const struct prepacked_entry *entry,
				    quire_error *error)
{
	bool needed, inserted;

	quire_rwlock_lock_write(&list->lock);
	/* Another thread may have copied the same tensor meanwhile. */
	needed = !find(list, entry->weights);
	inserted = needed && insert(list, entry);
	quire_rwlock_unlock(&list->lock);
	if (!inserted)
		quire_aligned_free(entry->strips);
	return needed && !inserted ? quire_fail_memory(error, sizeof(*entry))
				   : QUIRE_OK;
}

void quire_prepacked_remove(struct prepacked_list *list,
			    const quire_model *model)
{
	size_t kept = 0;

	if (atomic_load(&list->count) == 0)
		return;
	quire_rwlock_lock_write(&list->lock);
	for (size_t i = 0; i < atomic_load(&list->count); i++) {
		const struct prepacked_entry entry = list->entries[i];

		if (entry.model == model) {
			list->size -= entry.size;
			quire_aligned_free(entry.strips);
		} else {
			list->entries[kept++] = entry;
		}
	}
	atomic_store(&list->count, kept);
	quire_rwlock_unlock(&list->lock);
}

const unsigned char *quire_prepacked_find(struct prepacked_list *list,
					  const struct request *request)
{
	const struct prepacked_entry *entry;
	const unsigned char *strips = NULL;

	if (atomic_load(&list->count) == 0)
		return NULL;
	quire_rwlock_lock_read(&list->lock);
	entry = find(list, request->weights);
	if (entry && entry->dtype == request->dtype && entry->n == request->n &&
	    entry->cols == request->cols)
		strips = entry->strips;
	quire_rwlock_unlock(&list->lock);
	return strips;
}
