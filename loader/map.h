/*
 * map.h - a whole file as read-only memory.
 */
#ifndef QUIRE_LOADER_MAP_H
#define QUIRE_LOADER_MAP_H

#include "quire.h"

struct quire_map {
	const void *data; /* NULL for an empty file */
	size_t size;
};

/* Maps a regular file, shared with every process that maps it. On success
 * *map is unmapped with quire_unmap. */
quire_status quire_map_file(const char *path, struct quire_map *map,
			    quire_error *error);
void quire_unmap(const struct quire_map *map);

#endif
