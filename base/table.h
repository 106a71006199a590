/*
 * table.h - a hashed table from (scope, bytes) to a number, for the names of
 * a model. The keys' bytes stay the caller's and must outlive the table. A
 * table set to zero is empty; it may not be moved once something is in it.
 */
#ifndef QUIRE_BASE_TABLE_H
#define QUIRE_BASE_TABLE_H

#include "quire.h"

struct table_slot {
	const void *key; /* NULL: free */
	size_t size;
	size_t scope;
	size_t value;
};

struct table {
	struct table_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

/* Where the number of a key lies, or NULL. Valid until the next add. */
size_t *quire_table_find(const struct table *table, size_t scope,
			 const void *key, size_t size);

/* Adds a key that is not there yet. Fails with MEMORY only. */
quire_status quire_table_add(struct table *table, size_t scope, const void *key,
			     size_t size, size_t value, quire_error *error);

void quire_table_free(struct table *table);

#endif
