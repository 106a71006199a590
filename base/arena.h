/*
 * arena.h - memory with a limit, so that a small file cannot make its reader
 * allocate much. An unpacker allocates and releases memory piece by piece;
 * quire_arena_own gives memory that lives until the arena is freed.
 */
#ifndef QUIRE_BASE_ARENA_H
#define QUIRE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
	uint64_t left;	    /* bytes that may still be allocated */
	bool over_ceiling;  /* a request exceeded `left` */
	bool out_of_memory; /* a request within it has failed */
	void **items;
	size_t count;
	size_t capacity;
};

/* `size` bytes, or NULL. Releasing them does not raise `left`, so that it
 * limits the work too. */
void *quire_arena_allocate(void *arena, size_t size);
void quire_arena_release(void *arena, void *bytes);

/* `count` zeroed items that live as long as the arena, or NULL. */
void *quire_arena_own(struct arena *arena, size_t count, size_t size);

void quire_arena_free(struct arena *arena);

#endif
