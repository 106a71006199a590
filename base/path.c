/*
 * path.c - where the last name of a path begins.
 */
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

const char *quire_path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *quire_path_folder(const char *path)
{
	const size_t size = (size_t)(quire_path_name(path) - path);
	char *folder = malloc(size + 2);

	if (!folder)
		return NULL;
	memcpy(folder, path, size);
	strcpy(folder + size, size > 0 ? "" : ".");
	return folder;
}
