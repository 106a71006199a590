/*
 * arena.c - counts the bytes that are allocated. They come from malloc, so that
 * sanitizers see each piece.
 */
#include "base/arena.h"

#include <stdlib.h>

#include "base/grow.h"

void *quire_arena_allocate(void *context, size_t size)
{
	struct arena *arena = context;
	void *bytes;

	if (size > arena->left) {
		arena->over_ceiling = true;
		return NULL;
	}
	arena->left -= size;
	bytes = malloc(size ? size : 1);
	if (!bytes)
		arena->out_of_memory = true;
	return bytes;
}

void quire_arena_release(void *context, void *bytes)
{
	(void)context;
	free(bytes);
}

void *quire_arena_own(struct arena *arena, size_t count, size_t size)
{
	void **items = quire_grow(arena->items, &arena->capacity, arena->count,
				  sizeof(*items));
	void *own;

	if (!items)
		return NULL;
	arena->items = items;
	own = calloc(count ? count : 1, size);
	if (own)
		items[arena->count++] = own;
	return own;
}

void quire_arena_free(struct arena *arena)
{
	for (size_t i = 0; i < arena->count; i++)
		free(arena->items[i]);
	free(arena->items);
}
