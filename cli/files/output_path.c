/*
 * output_path.c - compares files, and not the texts of their paths.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/output.h"
#include "base/path.h"
#include "cli/files/output_path.h"
#include "cli/ui/trouble.h"

bool output_path_differs(const char *path, const char *input, const char *what,
			 const char *kind)
{
	if (strcmp(path, "-") == 0 || !quire_output_destroys(path, input))
		return true;
	if (quire_path_same(path, input) ||
	    strcmp(quire_path_name(path), quire_path_name(input)) == 0)
		trouble("%s: is the %s itself; choose another %s", path, what,
			kind);
	else
		trouble("%s: would destroy the %s, which has the name of its "
			"temporary file; choose another %s",
			path, what, kind);
	return false;
}

bool output_path_spares(const char *path, const quire_model *model)
{
	quire_part part;

	for (size_t i = 0; quire_model_part(model, i, &part); i++)
		if (part.path &&
		    !output_path_differs(path, part.path, "model", "output"))
			return false;
	return true;
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
