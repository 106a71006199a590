/*
 * copy_model.c - a quire_copy with what commands print about it: errors,
 * progress, and the files that were written.
 */
#include "cli/rewrite/copy_model.h"

#include <stdlib.h>

#include "base/error.h"
#include "cli/ui/signals.h"
#include "cli/ui/trouble.h"

/* The names of the model's files. False: out of memory. */
static bool take_names(struct copy *copy)
{
	quire_part part;

	copy->file_count = quire_model_part_count(copy->model);
	copy->names = calloc(copy->file_count, sizeof(*copy->names));
	for (size_t i = 0;
	     copy->names && quire_model_part(copy->model, i, &part); i++)
		copy->names[i] = part.path ? part.path : copy->path;
	return copy->names;
}

/* The file whose header was edited. */
static const char *edited_file(const struct copy *copy)
{
	quire_part part;
	size_t i = 0;

	while (quire_model_part(copy->model, i, &part) && !part.header_edited)
		i++;
	return copy->names[i];
}

bool copy_open(struct copy *copy, const char *path, bool lenient)
{
	quire_error error;

	*copy = (struct copy){ .path = path };
	if (quire_copy_open(path, true, &copy->source, &error) != QUIRE_OK) {
		trouble_with_file(path, &error);
		return false;
	}
	copy->model = quire_copy_model(copy->source);
	quire_model_describe(copy->model, &copy->info);
	if (!take_names(copy)) {
		trouble_memory();
		copy_close(copy);
		return false;
	}
	if (lenient || !copy->info.header_edited)
		return true;
	trouble("%s: the header does not match its checksum: edited by another "
		"tool, or damaged; 'quire verify' checks the "
		"tensors, and 'quire edit --force' accepts the header",
		edited_file(copy));
	copy_close(copy);
	return false;
}

void copy_close(struct copy *copy)
{
	quire_model_close(copy->made);
	free(copy->names);
	quire_copy_close(copy->source);
	*copy = (struct copy){ .path = copy->path };
}

const char *copy_made_path(const struct copy *copy)
{
	quire_part part = { .path = NULL };

	quire_model_part(copy->made, 0, &part);
	return part.path;
}

uint32_t copy_alignment(const struct copy *copy)
{
	const quire_model_info *info = &copy->info;

	return info->quire_version && info->alignment < 32 ? 32
							   : info->alignment;
}

/* Opens what was written, as any reader does. */
static int look(struct copy *copy, const char *path)
{
	quire_error error;

	if (quire_model_open(path, NULL, &copy->made, &error) != QUIRE_OK)
		return trouble_with_file(path, &error);
	quire_model_describe(copy->made, &copy->result);
	return EXIT_FINE;
}

/* The error is about a file that it names, or the model. */
static int report(const struct copy *copy, const char *output,
		  const quire_copy_options *how, const quire_error *error)
{
	const char *const paths[] = { copy->path, output, NULL };

	if ((error->status == QUIRE_ERROR_EXISTS ||
	     error->status == QUIRE_ERROR_ARGUMENT) &&
	    !how->in_place)
		return trouble_with_files(paths, error);
	return trouble_with_file(
	    quire_error_is_about(error, output) ? output : copy->path, error);
}

int copy_write(struct copy *copy, const char *output,
	       const quire_copy_options *how)
{
	quire_copy_options options = *how;
	quire_status status;
	quire_error error;
	int code = EXIT_TROUBLE;

	copy->progress = progress_start(output);
	options.progress = progress_report;
	options.context = &copy->progress;
	signals_hold();
	status = quire_copy_write(copy->source, output, &options, &error);
	progress_clear(&copy->progress);
	if (status == QUIRE_OK)
		code = look(copy, quire_copy_written(copy->source));
	else if (status != QUIRE_ERROR_CANCELLED)
		code = report(copy, output, how, &error);
	signals_release(); /* ends the program if cancelled */
	return code;
}
