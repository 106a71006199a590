/*
 * output_path.c - compares files, and not the texts of their paths.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/files/output_path.h"
#include "cli/ui/trouble.h"

/* Files that are still to be made: one name in one folder. */
static bool same_place(const char *a, const char *b)
{
	char *first = quire_path_folder(a);
	char *second = quire_path_folder(b);
	const bool same = first && second && quire_path_same(first, second) &&
			  strcmp(quire_path_name(a), quire_path_name(b)) == 0;

	free(first);
	free(second);
	return same;
}

bool output_path_differs(const char *path, const char *input, const char *what,
			 const char *kind)
{
	if (!quire_path_same(path, input) && !same_place(path, input))
		return true;
	trouble("%s: is the %s itself; choose another %s", path, what, kind);
	return false;
}

bool output_path_has_folder(const char *path)
{
	char *folder = quire_path_folder(path);
	struct file_facts facts;
	size_t size;
	const bool found =
	    !folder || quire_path_facts(folder, &facts) || errno != ENOENT;

	/* Without the separator at its end, but "/" as it is. */
	for (size = folder ? strlen(folder) : 0;
	     size > 1 && folder[size - 1] == '/'; size--)
		folder[size - 1] = '\0';
	if (!found)
		trouble("%s: there is no folder '%s'; make it first, or choose "
			"another output",
			path, folder);
	free(folder);
	return found;
}

bool output_path_allowed(const char *path, bool force)
{
	struct file_facts facts;

	if (!quire_path_facts(path, &facts))
		return output_path_has_folder(path);
	if (facts.kind == FILE_FOLDER) {
		trouble("%s: is a folder; name a file in it", path);
		return false;
	}
	if (facts.kind != FILE_REGULAR) {
		trouble("%s: is not a regular file; choose another output",
			path);
		return false;
	}
	if (!force)
		trouble("%s: exists already; --force replaces it", path);
	return force;
}
