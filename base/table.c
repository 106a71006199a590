/*
 * table.c - open addressing. A slot is the number of an item, so that a large
 * index fits in a cache; keys are compared where they lie.
 */
#include "base/table.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/entropy.h"
#include "base/error.h"
#include "base/grow.h"

/* ------------------------------------------------------------------- index */

static const void *item_at(const struct item_index *index, size_t item)
{
	return (const char *)index->items + item * index->item_size;
}

static size_t scope_of(const struct item_index *index, const void *item)
{
	size_t scope = 0;

	if (index->scope_at > 0)
		memcpy(&scope, (const char *)item + index->scope_at,
		       sizeof(scope));
	return scope;
}

static bool has_key(const struct item_index *index, const void *item,
		    quire_string key, size_t scope)
{
	const quire_string *own = item;

	return own->size == key.size && scope_of(index, item) == scope &&
	       (key.size == 0 || memcmp(own->data, key.data, key.size) == 0);
}

/* The slot of the item with that key, or the free one where it belongs. */
static uint32_t *probe(const struct item_index *index, quire_string key,
		       size_t scope)
{
	const size_t mask = index->capacity - 1;
	size_t at = (size_t)XXH3_64bits_withSeed(key.data, key.size,
						 index->seed ^ scope);

	for (;; at++) {
		uint32_t *slot = &index->slots[at & mask];

		if (*slot == 0 ||
		    has_key(index, item_at(index, *slot - 1), key, scope))
			return slot;
	}
}

/* The slot of an item by its own key. */
static uint32_t *probe_item(const struct item_index *index, size_t item)
{
	const void *its = item_at(index, item);

	return probe(index, *(const quire_string *)its, scope_of(index, its));
}

quire_status quire_item_index_reserve(struct item_index *index, size_t count,
				      quire_error *error)
{
	size_t capacity = index->capacity ? index->capacity : 2;
	uint32_t *slots;

	while (capacity / 2 < count)
		capacity *= 2;
	if (capacity == index->capacity)
		return QUIRE_OK;
	slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return quire_fail_memory(error, capacity * sizeof(*slots));
	free(index->slots);
	index->slots = slots;
	index->capacity = capacity;
	for (size_t item = 0; item < index->count; item++)
		*probe_item(index, item) = (uint32_t)item + 1;
	return QUIRE_OK;
}

size_t quire_item_index_add(struct item_index *index)
{
	uint32_t *slot = probe_item(index, index->count);

	assert(index->count < UINT32_MAX && index->count < index->capacity / 2);
	if (*slot == 0)
		*slot = (uint32_t)++index->count;
	return *slot - (size_t)1;
}

size_t quire_item_index_find(const struct item_index *index, quire_string key,
			     size_t scope)
{
	uint32_t slot;

	if (index->count == 0)
		return QUIRE_NO_ITEM;
	slot = *probe(index, key, scope);
	return slot == 0 ? QUIRE_NO_ITEM : slot - (size_t)1;
}

void quire_item_index_free(struct item_index *index)
{
	free(index->slots);
	index->slots = NULL;
	index->capacity = 0;
	index->count = 0;
}

/* ------------------------------------------------------------------- table */

/* Room that small tables need not grow for. */
#define TABLE_MIN_COUNT 32

size_t *quire_table_find(const struct table *table, size_t scope,
			 const void *key, size_t size)
{
	const size_t entry = quire_item_index_find(
	    &table->index, (quire_string){ key, size }, scope);

	return entry == QUIRE_NO_ITEM ? NULL : &table->entries[entry].value;
}

/* Room for one more entry. */
static quire_status grow(struct table *table, quire_error *error)
{
	struct item_index *index = &table->index;
	const size_t wanted = index->count + 1;
	struct table_entry *entries = quire_grow(
	    table->entries, &table->capacity, index->count, sizeof(*entries));

	if (!entries)
		return quire_fail_memory(error, wanted * sizeof(*entries));
	table->entries = entries;
	index->items = entries;
	index->item_size = sizeof(*entries);
	index->scope_at = offsetof(struct table_entry, scope);
	if (index->capacity == 0)
		index->seed = quire_entropy_seed(table);
	return quire_item_index_reserve(
	    index, wanted < TABLE_MIN_COUNT ? TABLE_MIN_COUNT : wanted, error);
}

quire_status quire_table_add(struct table *table, size_t scope, const void *key,
			     size_t size, size_t value, quire_error *error)
{
	const quire_status status = grow(table, error);
	size_t entry;

	if (status != QUIRE_OK)
		return status;
	entry = table->index.count;
	table->entries[entry] =
	    (struct table_entry){ { key, size }, scope, value };
	entry = quire_item_index_add(&table->index);
	assert(entry == table->index.count - 1);
	(void)entry;
	return QUIRE_OK;
}

void quire_table_free(struct table *table)
{
	quire_item_index_free(&table->index);
	free(table->entries);
	*table = (struct table){ .entries = NULL };
}
