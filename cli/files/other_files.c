/*
 * other_files.c - looks through the output's folder. Removes nothing: somebody
 * may need a file that this conversion did not write.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/files/other_files.h"

static const char ending[] = ".gguf";
static const char numbers[] = "-00000-of-00000.gguf";

static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == '0' ? *text < '0' || *text > '9'
				  : *text != *shape)
			return false;
	return *text == '\0';
}

/* Whether `name` is that of the output or a part of it. */
static bool belongs(const char *name, const char *output)
{
	const size_t size = strlen(output);
	size_t stem = size;

	if (strcmp(name, output) == 0)
		return true;
	if (size > strlen(ending) &&
	    strcmp(output + size - strlen(ending), ending) == 0)
		stem -= strlen(ending);
	return strncmp(name, output, stem) == 0 &&
	       has_shape(name + stem, numbers);
}

static bool is_ours(const quire_convert_report *report, const char *name)
{
	for (size_t i = 0; i < report->part_count; i++)
		if (strcmp(quire_path_name(report->parts[i].path), name) == 0)
			return true;
	return false;
}

size_t other_files(const quire_convert_report *report, const char *output,
		   char name[OTHER_FILES_NAME_SIZE])
{
	const char *last = quire_path_name(output);
	char *path = quire_path_folder(output);
	struct folder *folder = path ? quire_folder_open(path) : NULL;
	const char *entry;
	size_t count = 0;

	free(path);
	while (folder && (entry = quire_folder_next(folder))) {
		if (strlen(entry) >= OTHER_FILES_NAME_SIZE ||
		    !belongs(entry, last) || is_ours(report, entry))
			continue;
		if (count++ == 0 || strcmp(entry, name) < 0)
			strcpy(name, entry);
	}
	if (folder)
		quire_folder_close(folder);
	return count;
}
