/*
 * match_files.c - the files that were given, found by their last names.
 */
#include "cli/verify/match_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/grow.h"
#include "cli/ui/text.h"
#include "cli/verify/match_path.h"

size_t match_files_first(const struct match_files *files, quire_string path)
{
	const quire_string last = match_path_last(path, files->longest);
	const size_t *found =
	    quire_table_find(&files->last_names, 0, last.data, last.size);

	return found ? *found : QUIRE_NO_ITEM;
}

static quire_status add_name(struct match_files *files, const char *text,
			     struct match_file file, quire_error *error)
{
	struct match_file *grown =
	    quire_grow(files->files, &files->capacity, files->count,
		       sizeof(*files->files));
	quire_string last;
	size_t *first;

	if (!grown)
		return quire_fail_memory(error, sizeof(*grown));
	files->files = grown;
	file.path = malloc(strlen(text) + 1);
	if (!file.path)
		return quire_fail_memory(error, strlen(text) + 1);
	strcpy(file.path, text);
	last = match_path_last(text_of(file.path), SIZE_MAX - 1);
	first = quire_table_find(&files->last_names, 0, last.data, last.size);
	file.next = first ? *first : QUIRE_NO_ITEM;
	if (first) {
		*first = files->count;
	} else if (quire_table_add(&files->last_names, 0, last.data, last.size,
				   files->count, error) != QUIRE_OK) {
		free(file.path);
		return QUIRE_ERROR_MEMORY;
	}
	if (last.size > files->longest)
		files->longest = last.size;
	grown[files->count++] = file;
	return QUIRE_OK;
}

quire_status match_files_add(struct match_files *files, const char *path,
			     size_t word, size_t part, quire_error *error)
{
	const quire_string text = text_of(path);
	const struct match_file file = { .word = word,
					 .part = part,
					 .subject = files->count };
	const size_t capacity = 4 * text.size + 4;
	quire_status status;
	char *shown;

	for (size_t i = match_files_first(files, text); i != QUIRE_NO_ITEM;
	     i = files->files[i].next)
		if (files->files[i].subject == i &&
		    match_path_score(text, text_of(files->files[i].path)) ==
			MATCH_EQUAL)
			return QUIRE_OK;
	shown = malloc(capacity);
	if (!shown)
		return quire_fail_memory(error, capacity);
	status = add_name(files, path, file, error);
	/* Old versions of quire hash printed an unsafe path so. */
	text_shorten(shown, capacity, text);
	if (status == QUIRE_OK && strcmp(shown, path) != 0)
		status = add_name(files, shown, file, error);
	free(shown);
	return status;
}

void match_files_free(struct match_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->files[i].path);
	free(files->files);
	quire_table_free(&files->last_names);
	*files = (struct match_files){ .count = 0 };
}
