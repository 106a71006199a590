/*
 * known_sets.c - a sorted array of the files of all sets. One file that is
 * given twice is no set, and is read twice.
 */
#include "cli/files/known_sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

/* Errors that are remembered: more than a broken set has, and few enough to be
 * searched for each of any number of files. */
#define ERRORS_MAX 64

static int compare_files(const void *a, const void *b)
{
	const struct file_facts *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return 0;
}

bool known_sets_have(const struct known_sets *known, const char *path)
{
	struct file_facts facts;

	return known->count > 0 && quire_path_facts(path, &facts) &&
	       bsearch(&facts, known->files, known->count,
		       sizeof(*known->files), compare_files);
}

bool known_sets_add(struct known_sets *known, const quire_model *model)
{
	const size_t count = quire_model_part_count(model);
	quire_part part;

	for (size_t i = 0; count > 1 && quire_model_part(model, i, &part);
	     i++) {
		struct file_facts *files =
		    quire_grow(known->files, &known->capacity, known->count,
			       sizeof(*files));

		if (!files)
			return false;
		known->files = files;
		if (quire_path_facts(part.path, &files[known->count]))
			known->count++;
	}
	if (count > 1 && known->count > 0)
		qsort(known->files, known->count, sizeof(*known->files),
		      compare_files);
	return true;
}

bool known_sets_failed(struct known_sets *known, const quire_error *error)
{
	quire_error *errors;

	for (size_t i = 0; i < known->error_count; i++) {
		const quire_error *other = &known->errors[i];

		if (other->status == error->status &&
		    other->offset == error->offset &&
		    strcmp(other->path, error->path) == 0 &&
		    strcmp(other->message, error->message) == 0)
			return true;
	}
	if (known->error_count == ERRORS_MAX)
		return false;
	errors = quire_grow(known->errors, &known->error_capacity,
			    known->error_count, sizeof(*errors));
	if (errors) { /* else it is reported once more */
		known->errors = errors;
		errors[known->error_count++] = *error;
	}
	return false;
}

void known_sets_free(struct known_sets *known)
{
	free(known->files);
	free(known->errors);
	*known = (struct known_sets){ .count = 0 };
}
