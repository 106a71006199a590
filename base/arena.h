/*
 * arena.h - memory under a ceiling, so that a small file cannot ask for a
 * large model. One part is allocated and released piece by piece, as an
 * unpacker does; the other lives until the arena is freed.
 */
#ifndef QUIRE_BASE_ARENA_H
#define QUIRE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
	uint64_t left;	    /* bytes that may still be asked for */
	bool over_ceiling;  /* a request went past it */
	bool out_of_memory; /* a request below it has failed */
	void **items;
	size_t count;
	size_t capacity;
};

/* `size` bytes, or NULL. What is released does not count back: `left` bounds
 * the work as well. */
void *quire_arena_allocate(void *arena, size_t size);
void quire_arena_release(void *arena, void *bytes);

/* `count` zeroed items that live as long as the arena, or NULL. */
void *quire_arena_own(struct arena *arena, size_t count, size_t size);

void quire_arena_free(struct arena *arena);

#endif
