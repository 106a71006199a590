/*
 * table.c - open addressing over XXH3, at most half full. The table's own
 * address seeds the hash, so that a model cannot choose names that collide.
 */
#include "base/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/error.h"

static struct table_slot *probe(const struct table *table,
				struct table_slot *slots, size_t capacity,
				size_t scope, const void *key, size_t size)
{
	const uint64_t seed = (uint64_t)(uintptr_t)table ^ scope;
	size_t at = (size_t)XXH3_64bits_withSeed(key, size, seed);

	for (;; at++) {
		struct table_slot *slot = &slots[at & (capacity - 1)];

		if (!slot->key || (slot->scope == scope && slot->size == size &&
				   memcmp(slot->key, key, size) == 0))
			return slot;
	}
}

size_t *quire_table_find(const struct table *table, size_t scope,
			 const void *key, size_t size)
{
	struct table_slot *slot;

	if (table->count == 0)
		return NULL;
	slot = probe(table, table->slots, table->capacity, scope, key, size);
	return slot->key ? &slot->value : NULL;
}

static quire_status grow(struct table *table, quire_error *error)
{
	const size_t capacity = table->capacity ? 2 * table->capacity : 64;
	struct table_slot *slots = calloc(capacity, sizeof(*slots));

	if (!slots)
		return quire_fail_memory(error, capacity * sizeof(*slots));
	for (size_t i = 0; i < table->capacity; i++) {
		const struct table_slot *old = &table->slots[i];

		if (old->key)
			*probe(table, slots, capacity, old->scope, old->key,
			       old->size) = *old;
	}
	free(table->slots);
	table->slots = slots;
	table->capacity = capacity;
	return QUIRE_OK;
}

quire_status quire_table_add(struct table *table, size_t scope, const void *key,
			     size_t size, size_t value, quire_error *error)
{
	struct table_slot *slot;

	if (2 * (table->count + 1) > table->capacity) {
		const quire_status status = grow(table, error);

		if (status != QUIRE_OK)
			return status;
	}
	slot = probe(table, table->slots, table->capacity, scope, key, size);
	assert(!slot->key);
	*slot = (struct table_slot){ key, size, scope, value };
	table->count++;
	return QUIRE_OK;
}

void quire_table_free(struct table *table)
{
	free(table->slots);
	*table = (struct table){ NULL, 0, 0 };
}
