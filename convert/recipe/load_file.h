/*
 * load_file.h - a whole file in memory.
 */
#ifndef QUIRE_CONVERT_RECIPE_LOAD_FILE_H
#define QUIRE_CONVERT_RECIPE_LOAD_FILE_H

#include "quire.h"

/* Reads the regular file at `path`; *bytes is to be freed. Fails with IO,
 * MEMORY, and LAYOUT for a file of more than `limit` bytes. */
quire_status quire_load_file(const char *path, uint64_t limit,
			     unsigned char **bytes, size_t *size,
			     quire_error *error);

#endif
