/*
 * copy_model.c - declares a model's metadata, tensors and linears to a writer
 * and puts the new files into place. copy_tensors.c copies the tensors' bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/output.h"
#include "cli/rewrite/copy_model.h"
#include "cli/ui/signals.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

/* ----------------------------------------------------------------- opening */

static bool open_file(const char *path, int *file)
{
	struct file_facts facts;

	*file = quire_file_open(path);
	if (*file < 0) {
		trouble("%s: cannot open: %s", path, strerror(errno));
		return false;
	}
	if (!quire_file_facts(*file, &facts) || facts.kind == FILE_REGULAR)
		return true;
	trouble("%s: not a regular file", path);
	return false;
}

/* Room for the files of `count` parts. */
static bool make_room(struct copy *copy, size_t count)
{
	copy->files = malloc(count * sizeof(*copy->files));
	copy->names = calloc(count, sizeof(*copy->names));
	if (!copy->files || !copy->names) {
		trouble_memory();
		return false;
	}
	for (size_t i = 0; i < count; i++)
		copy->files[i] = -1;
	copy->file_count = count;
	return true;
}

/* Takes the names of the parts from the model. False if they are not those of
 * the open files. */
static bool take_names(struct copy *copy)
{
	quire_part part;

	if (quire_model_part_count(copy->model) != copy->file_count)
		return false;
	for (size_t i = 0; quire_model_part(copy->model, i, &part); i++) {
		struct file_facts opened, named;

		copy->names[i] = part.path;
		if (!quire_file_facts(copy->files[i], &opened) ||
		    !quire_path_facts(part.path, &named) ||
		    !file_same(&opened, &named))
			return false;
	}
	return true;
}

static bool open_parts(struct copy *copy, const quire_model *model)
{
	quire_part part;

	if (!make_room(copy, quire_model_part_count(model)))
		return false;
	for (size_t i = 0; quire_model_part(model, i, &part); i++)
		if (!open_file(part.path, &copy->files[i]))
			return false;
	return true;
}

/* The files are opened by the names that the model has, and then the model
 * again: if its names still lead to these files, it was opened from them. */
static bool open_set(struct copy *copy, const quire_open_options *options)
{
	quire_model *first = NULL;
	quire_error error;
	bool opened;

	if (quire_model_open(copy->path, options, &first, &error) != QUIRE_OK) {
		trouble_with_file(copy->path, &error);
		return false;
	}
	opened = open_parts(copy, first);
	quire_model_close(first);
	if (!opened)
		return false;
	if (quire_model_open(copy->path, options, &copy->model, &error) !=
	    QUIRE_OK) {
		trouble_with_file(copy->path, &error);
		return false;
	}
	if (take_names(copy))
		return true;
	trouble("%s: the files were replaced meanwhile; try again", copy->path);
	return false;
}

static bool open_model(struct copy *copy, const quire_open_options *options)
{
	quire_status status;
	quire_error error;

	if (!make_room(copy, 1) || !open_file(copy->path, &copy->files[0]))
		return false;
	copy->names[0] = copy->path;
	status =
	    quire_model_open_fd(copy->files[0], options, &copy->model, &error);
	if (status == QUIRE_OK)
		return true;
	if (status != QUIRE_ERROR_UNSUPPORTED) { /* a part */
		trouble_with_file(copy->path, &error);
		return false;
	}
	quire_file_close(copy->files[0]);
	free(copy->files);
	free(copy->names);
	copy->files = NULL;
	copy->names = NULL;
	copy->file_count = 0;
	return open_set(copy, options);
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
	const quire_open_options options = { .allow_edited_header = true };

	*copy = (struct copy){ .path = path };
	if (!open_model(copy, &options)) {
		copy_close(copy);
		return false;
	}
	quire_model_describe(copy->model, &copy->info);
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
	quire_model_close(copy->model);
	quire_model_close(copy->made);
	for (size_t i = 0; i < copy->file_count; i++)
		if (copy->files && copy->files[i] >= 0)
			quire_file_close(copy->files[i]);
	free(copy->files);
	free(copy->names);
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

/* ------------------------------------------------------------ declarations */

/* Keys that say a file's place in a set. */
static bool is_of_set(const char *key)
{
	return strcmp(key, "split.no") == 0 ||
	       strcmp(key, "split.count") == 0 ||
	       strcmp(key, "split.tensors.count") == 0 ||
	       strcmp(key, "quire.split.xxh3") == 0;
}

/* Keys that the writer derives. In a set that keeps its files it takes the
 * place of split.no and so on from the caller. */
static bool is_derived(const char *key, const struct copy *copy,
		       const struct copy_how *how)
{
	static const char *const derived[] = {
		"quire.version",	  "quire.header.xxh3",
		"quire.tensor.xxh3",	  "quire.tensor.source",
		"quire.linear.name",	  "quire.linear.weight",
		"quire.linear.bias",	  "quire.linear.k",
		"quire.padding",	  "quire.linear.accuracy_level",
		"quire.tensor.operation",
	};

	if (how->files != COPY_SAME_FILES && is_of_set(key))
		return true;
	if (copy->file_count > 1 && strcmp(key, "quire.split.xxh3") == 0)
		return true;
	if (how->plain)
		return strncmp(key, "quire.", 6) == 0;
	for (size_t i = 0; i < sizeof(derived) / sizeof(*derived); i++)
		if (strcmp(key, derived[i]) == 0)
			return true;
	return false;
}

static quire_status declare_value(const struct copy *copy,
				  const struct copy_how *how,
				  quire_writer *writer, const char *key,
				  const quire_value *value, quire_error *error)
{
	const quire_value alignment = { .type = QUIRE_VALUE_U32,
					.as.u = how->alignment };

	if (is_derived(key, copy, how))
		return QUIRE_OK;
	if (how->choose)
		value = how->choose(how->context, key, value);
	if (!value)
		return QUIRE_OK;
	if (strcmp(key, "general.alignment") == 0)
		value = &alignment;
	return quire_writer_set_value(writer, key, value, error);
}

static quire_status out_of_memory(quire_error *error)
{
	return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory");
}

static quire_status declare_values(const struct copy *copy,
				   const struct copy_how *how,
				   quire_writer *writer, quire_error *error)
{
	const size_t count = quire_model_value_count(copy->model);
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		quire_string name;
		const quire_value *value =
		    quire_model_value(copy->model, i, &name);
		char *key = strndup(name.data, name.size);

		status =
		    key ? declare_value(copy, how, writer, key, value, error)
			: out_of_memory(error);
		free(key);
	}
	for (size_t i = 0; i < how->added_count && status == QUIRE_OK; i++)
		status = quire_writer_set_value(writer, how->added[i].key,
						&how->added[i].value, error);
	return status;
}

static quire_status declare_linear(const struct copy *copy,
				   const quire_linear *linear,
				   quire_writer *writer, quire_error *error)
{
	const quire_tensor *first = quire_model_tensor(copy->model, 0);
	char *name = strndup(linear->name.data, linear->name.size);
	const quire_linear_entry entry = {
		.name = name,
		.weight = (size_t)(linear->weight - first),
		.bias = linear->bias ? (size_t)(linear->bias - first)
				     : QUIRE_NO_TENSOR,
		.k = linear->k,
		.accuracy_level = linear->accuracy_level,
	};
	quire_status status;

	if (!name)
		return out_of_memory(error);
	if (strlen(name) < linear->name.size) {
		free(name);
		return quire_fail(error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "a linear's name has a NUL in it");
	}
	status = quire_writer_add_linear(writer, &entry, error);
	free(name);
	return status;
}

static quire_status declare(const struct copy *copy, const struct copy_how *how,
			    quire_writer *writer, quire_error *error)
{
	const size_t tensors = quire_model_tensor_count(copy->model);
	const size_t linears =
	    how->plain ? 0 : quire_model_linear_count(copy->model);
	quire_status status = declare_values(copy, how, writer, error);

	for (size_t i = 0; i < tensors && status == QUIRE_OK; i++)
		status = quire_writer_add_tensor(
		    writer, quire_model_tensor(copy->model, i), error);
	for (size_t i = 0; i < linears && status == QUIRE_OK; i++)
		status = declare_linear(
		    copy, quire_model_linear(copy->model, i), writer, error);
	return status;
}

/* ----------------------------------------------------------------- writing */

/* Of two edits of one file at the same time, the second must not undo the
 * first. For a file without links `path` is its own. */
static bool is_still_there(const struct copy *copy, const char *path)
{
	for (size_t i = 0; i < copy->file_count; i++) {
		const char *name = copy->file_count > 1 ? copy->names[i] : path;
		struct file_facts opened, named;

		if (!quire_file_facts(copy->files[i], &opened) ||
		    !quire_path_facts(name, &named) ||
		    !file_same(&opened, &named))
			return false;
	}
	return true;
}

/* No file of the model is replaced by one that is not meant to be it. */
static quire_status check_parts(const struct copy *copy,
				const quire_writer *writer, quire_error *error)
{
	struct quire_output_place place;
	quire_part part;

	for (size_t i = 0; quire_writer_part(writer, i, &part); i++) {
		quire_output_look(part.path, &place);
		for (size_t k = 0; k < copy->file_count; k++)
			if (quire_output_hits(&place, copy->names[k]))
				return quire_fail_file(
				    error, QUIRE_ERROR_ARGUMENT, part.path,
				    QUIRE_NO_OFFSET,
				    "the output is a file of the model; choose "
				    "another output");
	}
	return QUIRE_OK;
}

/* Fixes the layout. A model that would be split beside itself, but fits in one
 * file, stays as it is. */
static quire_status lay_out(const struct copy *copy, const struct copy_how *how,
			    quire_writer *writer, quire_error *error)
{
	const bool itself = how->files == COPY_SPLIT &&
			    quire_path_same(how->output, copy->path);
	const quire_status status =
	    quire_writer_write(writer, 0, NULL, 0, error);
	const bool alone = status == QUIRE_OK
			       ? quire_writer_part_count(writer) == 1
			       : status == QUIRE_ERROR_EXISTS &&
				     quire_error_is_about(error, how->output);

	if (!itself || !alone)
		return status == QUIRE_OK && !how->in_place
			   ? check_parts(copy, writer, error)
			   : status;
	return quire_fail_file(error, QUIRE_ERROR_ARGUMENT, copy->path,
			       QUIRE_NO_OFFSET,
			       "it fits in one file of this size; there is "
			       "nothing to split");
}

static quire_status fill(struct copy *copy, const struct copy_how *how,
			 quire_writer *writer, quire_error *error)
{
	quire_status status = declare(copy, how, writer, error);

	if (status == QUIRE_OK)
		status = lay_out(copy, how, writer, error);
	if (status == QUIRE_OK)
		status = copy_tensors(copy, how, writer, error);
	if (status == QUIRE_OK)
		status = quire_model_check_files(copy->model, error);
	if (status != QUIRE_OK)
		return status;
	if (how->in_place && !is_still_there(copy, how->output))
		return quire_fail(error, QUIRE_ERROR_IO, QUIRE_NO_OFFSET,
				  "the file was replaced meanwhile; try again");
	return quire_writer_finish(writer, error);
}

/* The first of the new files, to be freed; NULL: out of memory. */
static char *first_path(const quire_writer *writer)
{
	quire_part part = { .path = NULL };

	quire_writer_part(writer, 0, &part);
	return part.path ? strdup(part.path) : NULL;
}

/* *first is the path of the first file that was written. */
static quire_status write_files(struct copy *copy, const struct copy_how *how,
				char **first, quire_error *error)
{
	const bool same = how->files == COPY_SAME_FILES;
	const quire_writer_options options = {
		.alignment = how->alignment,
		.overwrite = how->overwrite || how->in_place,
		.plain = how->plain,
		.split_size = how->files == COPY_SPLIT ? how->split_size : 0,
		.part_count = same ? (uint32_t)copy->file_count : 0,
		.keep_parts = how->in_place,
	};
	quire_writer *writer;
	quire_status status =
	    quire_writer_create(how->output, &options, &writer, error);

	if (status != QUIRE_OK)
		return status;
	status = fill(copy, how, writer, error);
	if (status == QUIRE_OK)
		*first = first_path(writer);
	quire_writer_free(writer);
	if (status == QUIRE_OK && !*first)
		return out_of_memory(error);
	return status;
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
static int report(const struct copy *copy, const struct copy_how *how,
		  const quire_error *error)
{
	const char *const paths[] = { copy->path, how->output, NULL };

	if ((error->status == QUIRE_ERROR_EXISTS ||
	     error->status == QUIRE_ERROR_ARGUMENT) &&
	    !how->in_place)
		return trouble_with_files(paths, error);
	return trouble_with_file(
	    quire_error_is_about(error, how->output) ? how->output : copy->path,
	    error);
}

int copy_write(struct copy *copy, const struct copy_how *how)
{
	char *first = NULL;
	quire_status status;
	quire_error error;
	int code = EXIT_TROUBLE;

	copy->progress = progress_start(how->output);
	signals_hold();
	status = write_files(copy, how, &first, &error);
	progress_clear(&copy->progress);
	if (status == QUIRE_OK)
		code = look(copy, first);
	else if (status != QUIRE_ERROR_CANCELLED)
		code = report(copy, how, &error);
	free(first);
	signals_release(); /* ends the program if cancelled */
	return code;
}
