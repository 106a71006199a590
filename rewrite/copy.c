/*
 * copy.c - a model written again: opens its files, declares its metadata,
 * tensors and linears to a writer, and puts the new files into place.
 * copy_tensors.c copies the tensors' bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/output.h"
#include "rewrite/copy.h"

/* Of tensors, if the caller does not say it; see quire_writer_options. */
#define PLAIN_ALIGNMENT	    32
#define CONTAINER_ALIGNMENT 16384

static quire_status out_of_memory(quire_error *error)
{
	return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory");
}

/* ----------------------------------------------------------------- opening */

static quire_status open_file(const char *path, int *file, quire_error *error)
{
	struct file_facts facts;

	*file = quire_file_open(path);
	if (*file < 0)
		return quire_fail_errno(error, path, "cannot open");
	if (!quire_file_facts(*file, &facts) || facts.kind == FILE_REGULAR)
		return QUIRE_OK;
	return quire_fail_file(error, QUIRE_ERROR_IO, path, QUIRE_NO_OFFSET,
			       "not a regular file");
}

/* Room for the files of `count` parts. */
static quire_status make_room(quire_copy *copy, size_t count,
			      quire_error *error)
{
	copy->files = malloc(count * sizeof(*copy->files));
	copy->names = calloc(count, sizeof(*copy->names));
	if (!copy->files || !copy->names)
		return out_of_memory(error);
	for (size_t i = 0; i < count; i++)
		copy->files[i] = -1;
	copy->file_count = count;
	return QUIRE_OK;
}

static void close_files(quire_copy *copy)
{
	for (size_t i = 0; i < copy->file_count; i++)
		if (copy->files[i] >= 0)
			quire_file_close(copy->files[i]);
	free(copy->files);
	free(copy->names);
	copy->files = NULL;
	copy->names = NULL;
	copy->file_count = 0;
}

/* Takes the names of the parts from the model. False if they are not those of
 * the open files. */
static bool take_names(quire_copy *copy)
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

static quire_status open_parts(quire_copy *copy, const quire_model *model,
			       quire_error *error)
{
	quire_status status =
	    make_room(copy, quire_model_part_count(model), error);
	quire_part part;

	for (size_t i = 0;
	     status == QUIRE_OK && quire_model_part(model, i, &part); i++)
		status = open_file(part.path, &copy->files[i], error);
	return status;
}

/* The files are opened by the names that the model has, and then the model
 * again: if its names still lead to these files, it was opened from them. */
static quire_status open_set(quire_copy *copy,
			     const quire_open_options *options,
			     quire_error *error)
{
	quire_model *first = NULL;
	quire_status status =
	    quire_model_open(copy->path, options, &first, error);

	if (status != QUIRE_OK)
		return status;
	status = open_parts(copy, first, error);
	quire_model_close(first);
	if (status != QUIRE_OK)
		return status;
	status = quire_model_open(copy->path, options, &copy->model, error);
	if (status != QUIRE_OK || take_names(copy))
		return status;
	return quire_fail(error, QUIRE_ERROR_IO, QUIRE_NO_OFFSET,
			  "the files were replaced meanwhile; try again");
}

static quire_status open_model(quire_copy *copy,
			       const quire_open_options *options,
			       quire_error *error)
{
	quire_status status = make_room(copy, 1, error);

	if (status == QUIRE_OK)
		status = open_file(copy->path, &copy->files[0], error);
	if (status != QUIRE_OK)
		return status;
	copy->names[0] = copy->path;
	status =
	    quire_model_open_fd(copy->files[0], options, &copy->model, error);
	if (status != QUIRE_ERROR_UNSUPPORTED) /* no part of a set */
		return status;
	close_files(copy);
	return open_set(copy, options, error);
}

quire_status quire_copy_open(const char *path, bool allow_edited_header,
			     quire_copy **copy, quire_error *error)
{
	const quire_open_options options = { .allow_edited_header =
						 allow_edited_header };
	quire_copy *opened = calloc(1, sizeof(*opened));
	quire_status status;

	if (!opened)
		return out_of_memory(error);
	opened->path = strdup(path);
	status = opened->path ? open_model(opened, &options, error)
			      : out_of_memory(error);
	if (status != QUIRE_OK) {
		quire_error_name_file(error, path);
		quire_copy_close(opened);
		return status;
	}
	quire_model_describe(opened->model, &opened->info);
	*copy = opened;
	return QUIRE_OK;
}

void quire_copy_close(quire_copy *copy)
{
	if (!copy)
		return;
	quire_model_close(copy->model);
	close_files(copy);
	free(copy->path);
	free(copy->written);
	free(copy);
}

const quire_model *quire_copy_model(const quire_copy *copy)
{
	return copy->model;
}

const char *quire_copy_written(const quire_copy *copy)
{
	return copy->written;
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
static bool is_derived(const char *key, const quire_copy *copy,
		       const quire_copy_options *how)
{
	static const char *const derived[] = {
		"quire.version",	  "quire.header.xxh3",
		"quire.tensor.xxh3",	  "quire.tensor.source",
		"quire.linear.name",	  "quire.linear.weight",
		"quire.linear.bias",	  "quire.linear.k",
		"quire.padding",	  "quire.linear.accuracy_level",
		"quire.tensor.operation",
	};

	if (how->files != QUIRE_COPY_SAME_FILES && is_of_set(key))
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

/* GGUF's default alignment needs no key: it goes with the keys that the
 * container has added. */
static bool is_default_alignment(const quire_copy *copy,
				 const quire_copy_options *how, const char *key)
{
	return how->plain && copy->info.quire_version > 0 &&
	       how->alignment == PLAIN_ALIGNMENT &&
	       strcmp(key, "general.alignment") == 0;
}

static quire_status declare_value(const quire_copy *copy,
				  const quire_copy_options *how,
				  quire_writer *writer, const char *key,
				  const quire_value *value, quire_error *error)
{
	const quire_value alignment = { .type = QUIRE_VALUE_U32,
					.as.u = how->alignment };

	if (is_derived(key, copy, how))
		return QUIRE_OK;
	if (is_default_alignment(copy, how, key))
		return QUIRE_OK;
	if (how->choose)
		value = how->choose(how->choose_context, key, value);
	if (!value)
		return QUIRE_OK;
	if (strcmp(key, "general.alignment") == 0)
		value = &alignment;
	return quire_writer_set_value(writer, key, value, error);
}

static quire_status declare_values(const quire_copy *copy,
				   const quire_copy_options *how,
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

static quire_status declare_linear(const quire_copy *copy,
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

static quire_status declare(const quire_copy *copy,
			    const quire_copy_options *how, quire_writer *writer,
			    quire_error *error)
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
static bool is_still_there(const quire_copy *copy, const char *path)
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
static quire_status check_parts(const quire_copy *copy,
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
static quire_status lay_out(const quire_copy *copy,
			    const quire_copy_options *how, quire_writer *writer,
			    quire_error *error)
{
	const bool itself = how->files == QUIRE_COPY_SPLIT &&
			    quire_path_same(copy->output, copy->path);
	const quire_status status =
	    quire_writer_write(writer, 0, NULL, 0, error);
	const bool alone = status == QUIRE_OK
			       ? quire_writer_part_count(writer) == 1
			       : status == QUIRE_ERROR_EXISTS &&
				     quire_error_is_about(error, copy->output);

	if (!itself || !alone)
		return status == QUIRE_OK && !how->in_place
			   ? check_parts(copy, writer, error)
			   : status;
	return quire_fail_file(error, QUIRE_ERROR_ARGUMENT, copy->path,
			       QUIRE_NO_OFFSET,
			       "it fits in one file of this size; there is "
			       "nothing to split");
}

static quire_status fill(quire_copy *copy, const quire_copy_options *how,
			 quire_writer *writer, quire_error *error)
{
	quire_status status = declare(copy, how, writer, error);

	if (status == QUIRE_OK)
		status = lay_out(copy, how, writer, error);
	if (status == QUIRE_OK)
		status = quire_copy_tensors(copy, how, writer, error);
	if (status == QUIRE_OK)
		status = quire_model_check_files(copy->model, error);
	if (status != QUIRE_OK)
		return status;
	if (how->in_place && !is_still_there(copy, copy->output))
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

static quire_status write_files(quire_copy *copy, const quire_copy_options *how,
				quire_error *error)
{
	const bool same = how->files == QUIRE_COPY_SAME_FILES;
	const quire_writer_options options = {
		.alignment = how->alignment,
		.overwrite = how->overwrite || how->in_place,
		.plain = how->plain,
		.split_size =
		    how->files == QUIRE_COPY_SPLIT ? how->split_size : 0,
		.part_count = same ? (uint32_t)copy->file_count : 0,
		.keep_parts = how->in_place,
	};
	quire_writer *writer;
	quire_status status =
	    quire_writer_create(copy->output, &options, &writer, error);

	if (status != QUIRE_OK)
		return status;
	status = fill(copy, how, writer, error);
	if (status == QUIRE_OK)
		copy->written = first_path(writer);
	quire_writer_free(writer);
	if (status == QUIRE_OK && !copy->written)
		return out_of_memory(error);
	return status;
}

quire_status quire_copy_write(quire_copy *copy, const char *output,
			      const quire_copy_options *options,
			      quire_error *error)
{
	quire_copy_options how = { .alignment = 0 };
	quire_status status;
	char *set;

	if (options)
		how = *options;
	if (!how.alignment)
		how.alignment =
		    how.plain ? PLAIN_ALIGNMENT : CONTAINER_ALIGNMENT;
	set = how.files == QUIRE_COPY_SAME_FILES && copy->file_count > 1
		  ? quire_output_set_name(output, copy->file_count)
		  : strdup(output);
	if (!set)
		return out_of_memory(error);
	free(copy->written);
	copy->written = NULL;
	copy->output = set;
	status = write_files(copy, &how, error);
	if (status != QUIRE_OK)
		quire_error_name_file(error, copy->path);
	copy->output = NULL;
	free(set);
	return status;
}
