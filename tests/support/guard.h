/*
 * guard.h - memory between inaccessible pages, so that a read or a write one
 * byte outside stops the test at once.
 */
#ifndef QUIRE_TESTS_GUARD_H
#define QUIRE_TESTS_GUARD_H

#include <stddef.h>

struct guarded {
	unsigned char *data;
	size_t size;
	void *map;
	size_t map_size;
};

/* Memory of zeros that ends where the guard behind it begins, or begins where
 * the guard before it ends. Free it with guarded_free. Fails the test if there
 * is no memory. */
struct guarded guarded_create(size_t size);
struct guarded guarded_create_low(size_t size);
void guarded_free(struct guarded *guarded);

#endif
