/*
 * map.c - maps a file, or reads it into pages of our own, and watches it: a
 * mapped file that another process cuts or writes to is no longer the one that
 * was opened.
 */
#include "loader/map.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* Bytes read at once where pages cannot be filled in place. */
#define THROUGH_SIZE ((size_t)16 << 10)

static quire_status take_facts(int file, const char *name,
			       struct file_facts *facts, quire_error *error)
{
	if (!quire_file_facts(file, facts))
		return quire_fail_errno(error, name, "cannot stat");
	return QUIRE_OK;
}

/* Names the size, and the limit of the process if it has one: a limit, and not
 * the machine, is why most mappings fail. */
static quire_status fail_map(const char *name, size_t size, quire_error *error)
{
	uint64_t limit;

	if (errno != ENOMEM || !quire_memory_space_limit(&limit))
		return quire_fail_errno(error, name, "cannot map %zu bytes",
					size);
	return quire_fail_errno(error, name,
				"cannot map %zu bytes, where the process may "
				"have %" PRIu64
				" in all (RLIMIT_AS, ulimit -v)",
				size, limit);
}

/* *map stays as it is if the file system maps no files. */
static quire_status map_pages(int file, const char *name, struct quire_map *map,
			      quire_error *error)
{
	quire_status status;
	void *data;
	int own;

	/* The caller may close its descriptor, and the name may be given to
	 * another file, while this one's pages stay mapped. */
	own = quire_file_keep(file);
	if (own < 0)
		return quire_fail_errno(error, name, "cannot keep it open");
	data = quire_memory_map(file, map->size);
	if (!data) {
		status = quire_memory_map_refused()
			     ? QUIRE_OK
			     : fail_map(name, map->size, error);
		quire_file_close(own);
		return status;
	}
	map->data = data;
	map->base = data;
	map->base_size = map->size;
	map->file = own;
	map->watched = true;
	return QUIRE_OK;
}

/* Memory that starts where a huge page may. */
static unsigned char *take_memory(struct quire_map *map)
{
	unsigned char *base;

	if (map->size > SIZE_MAX - QUIRE_HUGE_PAGE_SIZE)
		return NULL;
	map->base_size = map->size + QUIRE_HUGE_PAGE_SIZE;
	base = quire_memory_take(map->base_size);
	if (!base)
		return NULL;
	map->base = base;
	quire_memory_use_huge_pages(base, map->base_size);
	return base +
	       (QUIRE_HUGE_PAGE_SIZE - (uintptr_t)base % QUIRE_HUGE_PAGE_SIZE) %
		   QUIRE_HUGE_PAGE_SIZE;
}

static quire_status read_all(int file, const char *name, unsigned char *data,
			     size_t size, quire_error *error)
{
	size_t got;

	if (!quire_file_read(file, 0, data, size, &got))
		return quire_fail_errno(error, name, "cannot read at byte %zu",
					got);
	if (got < size)
		return quire_fail_file(error, QUIRE_ERROR_TRUNCATED, name, got,
				       "the file shrank while it was read");
	return QUIRE_OK;
}

static quire_status read_pages(int file, const char *name,
			       struct quire_map *map, quire_error *error)
{
	unsigned char *data = take_memory(map);
	struct file_facts facts;
	quire_status status;

	if (!data)
		return quire_fail_memory(error, map->size);
	status = read_all(file, name, data, map->size, error);
	if (status == QUIRE_OK)
		status = take_facts(file, name, &facts, error);
	if (status == QUIRE_OK && !file_unchanged(&map->facts, &facts))
		status = quire_fail_file(
		    error, QUIRE_ERROR_IO, name, QUIRE_NO_OFFSET,
		    "the file was written to while it was read");
	if (status != QUIRE_OK) {
		quire_memory_give(map->base, map->base_size);
		return status;
	}
	/* As a mapped file is: a write by mistake is a fault. */
	quire_memory_protect(map->base, map->base_size);
	map->data = data;
	return QUIRE_OK;
}

quire_status quire_map_fd(int file, const char *name, quire_load_mode load,
			  struct quire_map *map, quire_error *error)
{
	struct quire_map made = { .data = NULL };
	struct file_facts facts;
	quire_status status = take_facts(file, name, &facts, error);

	if (status != QUIRE_OK)
		return status;
	if (facts.kind != FILE_REGULAR)
		return quire_fail_file(error, QUIRE_ERROR_IO, name,
				       QUIRE_NO_OFFSET,
				       "not a regular file; a pipe or a device "
				       "cannot be mapped");
	if (facts.size > SIZE_MAX)
		return quire_fail_file(error, QUIRE_ERROR_IO, name,
				       QUIRE_NO_OFFSET,
				       "larger than the address space");
	made.size = (size_t)facts.size;
	made.facts = facts;
	if (made.size > 0 && load == QUIRE_LOAD_MAP)
		status = map_pages(file, name, &made, error);
	/* Nothing cannot be mapped. */
	if (status == QUIRE_OK && made.size > 0 && !made.data)
		status = read_pages(file, name, &made, error);
	if (status == QUIRE_OK)
		*map = made;
	return status;
}

quire_status quire_map_file(const char *path, quire_load_mode load,
			    struct quire_map *map, quire_error *error)
{
	const int file = quire_file_open(path);
	quire_status status;

	if (file < 0)
		return quire_fail_errno(error, path, "cannot open");
	status = quire_map_fd(file, path, load, map, error);
	quire_file_close(file);
	return status;
}

void quire_unmap(struct quire_map *map)
{
	if (map->base)
		quire_memory_give(map->base, map->base_size);
	if (map->watched)
		quire_file_close(map->file);
}

quire_status quire_map_lock(const struct quire_map *map, const char *name,
			    quire_error *error)
{
	uint64_t limit;

	if (quire_memory_lock(map->data, map->size))
		return QUIRE_OK;
	if (errno == EPERM || !quire_memory_lock_limit(&limit))
		return quire_fail_errno(
		    error, name, "cannot lock %zu bytes in memory", map->size);
	return quire_fail_errno(error, name,
				"cannot lock %zu bytes in memory, where "
				"the process may lock %" PRIu64
				" (RLIMIT_MEMLOCK)",
				map->size, limit);
}

/* Whether a file whose size and time of writing are the same was written to,
 * and that time put back. Renaming and removing a file change `changed` too:
 * where the name leads elsewhere now, or the number of names is another, it
 * says nothing. */
static bool was_touched(const struct quire_map *map, const char *name,
			const struct file_facts *now)
{
	struct file_facts named;

	if (file_unchanged(&map->facts, now))
		return false;
	if (now->name_count != map->facts.name_count)
		return false;
	return !name ||
	       (quire_path_facts(name, &named) && file_same(&named, now));
}

quire_status quire_map_check(const struct quire_map *map, const char *name,
			     quire_error *error)
{
	struct file_facts facts;
	quire_status status;

	if (!map->watched)
		return QUIRE_OK;
	status = take_facts(map->file, name, &facts, error);
	if (status != QUIRE_OK)
		return status;
	if (facts.size < map->size)
		return quire_fail_file(error, QUIRE_ERROR_TRUNCATED, name,
				       facts.size,
				       "the file shrank from %zu to %" PRIu64
				       " bytes since it was opened",
				       map->size, facts.size);
	if (facts.size > map->size ||
	    !file_time_same(facts.written, map->facts.written) ||
	    was_touched(map, name, &facts))
		return quire_fail_file(
		    error, QUIRE_ERROR_IO, name, QUIRE_NO_OFFSET,
		    "the file was written to since it was opened");
	return QUIRE_OK;
}

bool quire_map_read(const struct quire_map *map, uint64_t offset, void *buffer,
		    size_t size)
{
	size_t got;

	if (!quire_file_read(map->file, offset, buffer, size, &got))
		return false;
	if (got < size)
		errno = EIO; /* the file ends here */
	return got == size;
}

quire_status quire_map_fail_read(const struct quire_map *map, const char *name,
				 uint64_t offset, quire_error *error)
{
	const char *reason = strerror(errno);

	if (quire_map_check(map, name, error) == QUIRE_ERROR_TRUNCATED)
		return QUIRE_ERROR_TRUNCATED;
	return quire_fail_file(error, QUIRE_ERROR_IO, name, offset,
			       "cannot be read: %s", reason);
}

/* For systems that cannot fill mapped pages: what was read is in the page
 * cache. *offset = where it failed. */
static bool read_through(const struct quire_map *map, uint64_t *offset)
{
	unsigned char buffer[THROUGH_SIZE];
	size_t part;

	for (*offset = 0; *offset < map->size; *offset += part) {
		const uint64_t rest = map->size - *offset;

		part = rest < THROUGH_SIZE ? (size_t)rest : THROUGH_SIZE;
		if (!quire_map_read(map, *offset, buffer, part))
			return false;
	}
	return true;
}

quire_status quire_map_populate(const struct quire_map *map, const char *name,
				quire_error *error)
{
	uint64_t offset = QUIRE_NO_OFFSET;

	if (!map->watched) /* it was read into memory */
		return QUIRE_OK;
	/* Else the disk would wait for each page fault. */
	quire_memory_read_ahead(map->data, map->size);
	if (quire_memory_populate(map->data, map->size))
		return QUIRE_OK;
	if (errno == ENOSYS && read_through(map, &offset))
		return QUIRE_OK;
	return quire_map_fail_read(map, name, offset, error);
}
