/*
 * guard.h - memory between pages that may not be touched, so that a read or a
 * write one byte beyond it stops the test at once.
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

/* Zeros, which end where the guard behind them begins; or begin where the one
 * before them ends. Free with guarded_free; fails the test if there is no
 * memory. */
struct guarded guarded_create(size_t size);
struct guarded guarded_create_low(size_t size);
void guarded_free(struct guarded *guarded);

#endif
