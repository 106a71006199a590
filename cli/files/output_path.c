/*
 * output_path.c - compares files, and not the texts of their paths.
 */
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

bool output_path_allowed(const char *path, bool force)
{
	struct file_facts facts;

	if (!quire_path_facts(path, &facts))
		return true;
	if (facts.kind != FILE_REGULAR) {
		trouble("%s: is not a regular file; choose another output",
			path);
		return false;
	}
	if (!force)
		trouble("%s: exists already; --force replaces it", path);
	return force;
}
