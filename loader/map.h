/*
 * map.h - a whole file as read-only memory: mapped, or read.
 */
#ifndef QUIRE_LOADER_MAP_H
#define QUIRE_LOADER_MAP_H

#include "base/file.h"
#include "quire.h"

struct quire_map {
	const void *data; /* NULL for an empty file */
	size_t size;
	void *base; /* the memory that is freed */
	size_t base_size;
	bool watched; /* mapped: `file` is ours, and the file may change */
	int file;
	struct file_facts facts; /* as of the opening */
};

/* Maps a regular file, shared with every process that maps it, or reads it
 * into memory; it is also read where the file system maps no files. `name` is
 * its path, for errors, or NULL; the descriptor stays the caller's. On success
 * *map is undone with quire_unmap. */
quire_status quire_map_fd(int file, const char *name, quire_load_mode load,
			  struct quire_map *map, quire_error *error);
quire_status quire_map_file(const char *path, quire_load_mode load,
			    struct quire_map *map, quire_error *error);
/* A zeroed one is fine. */
void quire_unmap(struct quire_map *map);

quire_status quire_map_lock(const struct quire_map *map, const char *name,
			    quire_error *error);

/* Reads all of it before it returns. Fails as quire_map_fail_read says. */
quire_status quire_map_populate(const struct quire_map *map, const char *name,
				quire_error *error);

/* Checks that the file did not change; see quire_model_check_files. */
quire_status quire_map_check(const struct quire_map *map, const char *name,
			     quire_error *error);

/* Reads bytes of a watched file, as they are now, into `buffer`; false, and
 * errno, if they are not all there. */
bool quire_map_read(const struct quire_map *map, uint64_t offset, void *buffer,
		    size_t size);

/* The error of a read that failed at `offset`: TRUNCATED if the file has become
 * shorter, else IO, with errno's reason. */
quire_status quire_map_fail_read(const struct quire_map *map, const char *name,
				 uint64_t offset, quire_error *error);

#endif
