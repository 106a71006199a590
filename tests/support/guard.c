/*
 * guard.c - maps pages and makes the first and the last one inaccessible.
 * `data` is rarely a whole number of pages, so it touches only one of them.
 */
#include "tests/support/guard.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded guarded_create(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t pages = (size + page - 1) / page;
	struct guarded guarded = { .size = size,
				   .map_size = (pages + 2) * page };
	unsigned char *map;

	map = mmap(NULL, guarded.map_size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map, page, PROT_NONE) != 0 ||
	    mprotect(map + (pages + 1) * page, page, PROT_NONE) != 0)
		abort();
	guarded.map = map;
	guarded.data = map + (pages + 1) * page - size;
	return guarded;
}

struct guarded guarded_create_low(size_t size)
{
	struct guarded guarded = guarded_create(size);

	guarded.data = (unsigned char *)guarded.map + sysconf(_SC_PAGESIZE);
	return guarded;
}

void guarded_free(struct guarded *guarded)
{
	munmap(guarded->map, guarded->map_size);
	guarded->map = NULL;
	guarded->data = NULL;
}
