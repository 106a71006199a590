/*
 * table.h - hashed tables: an index over an array of the caller's, and, made of
 * it, a table from keys to numbers.
 *
 * Both find a key by XXH3 with a secret seed, so that whoever chooses the keys
 * of a file cannot choose ones that collide.
 */
#ifndef QUIRE_BASE_TABLE_H
#define QUIRE_BASE_TABLE_H

#include "quire.h"

#define QUIRE_NO_ITEM SIZE_MAX

/* ------------------------------------------------------------------- index */

/* The items of an array, number 0 to count - 1, found by the quire_string that
 * each begins with. Set to zero it is empty. */
struct item_index {
	/* The caller's; to be set again when the array has moved. */
	const void *items;
	size_t item_size;
	/* Where an item has a size_t that tells equal strings apart; 0: none
	 * has. */
	size_t scope_at;
	uint64_t seed;
	/* The index's own. */
	size_t count;
	size_t capacity; /* a power of two, or 0 */
	uint32_t *slots; /* item number + 1, or 0; at most half are taken */
};

/* Makes room for `count` items in all. Fails with MEMORY only. */
quire_status quire_item_index_reserve(struct item_index *index, size_t count,
				      quire_error *error);

/* Adds item number index->count, for which there is room. If its key is there
 * already, adds nothing; in any case returns the number of the item that has
 * the key. */
size_t quire_item_index_add(struct item_index *index);

/* The number of the item with that key, or QUIRE_NO_ITEM. `scope` is 0 where
 * items have none. */
size_t quire_item_index_find(const struct item_index *index, quire_string key,
			     size_t scope);

void quire_item_index_free(struct item_index *index);

/* ------------------------------------------------------------------- table */

struct table_entry {
	quire_string key;
	size_t scope;
	size_t value;
};

/* Keys to numbers. The keys' bytes stay the caller's and must outlive the
 * table. Set to zero it is empty. */
struct table {
	struct table_entry *entries; /* in the order of adding */
	size_t capacity;
	struct item_index index;
};

/* Where the number of a key lies, or NULL. Valid until the next add. */
size_t *quire_table_find(const struct table *table, size_t scope,
			 const void *key, size_t size);

/* Adds a key that is not there yet. Fails with MEMORY only. */
quire_status quire_table_add(struct table *table, size_t scope, const void *key,
			     size_t size, size_t value, quire_error *error);

void quire_table_free(struct table *table);

#endif
