/*
 * copy_model.c - declares a model's metadata, tensors and linears to a writer
 * and puts the new file into place. copy_tensors.c copies the tensors' bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/rewrite/copy_model.h"
#include "cli/ui/signals.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

static void report_unopened(const char *path, const quire_error *error)
{
	if (error->status == QUIRE_ERROR_UNSUPPORTED)
		trouble(
		    "%s: it is a part of a split set; merge the parts first",
		    path);
	else
		trouble_with_file(path, error);
}

bool copy_open(struct copy *copy, const char *path, bool lenient)
{
	const quire_open_options options = { .allow_edited_header = true };
	struct file_facts facts;
	quire_error error;

	*copy = (struct copy){ .path = path };
	copy->file = quire_file_open(path);
	if (copy->file < 0) {
		trouble("%s: cannot open: %s", path, strerror(errno));
		return false;
	}
	if (quire_file_facts(copy->file, &facts) &&
	    facts.kind != FILE_REGULAR) {
		trouble("%s: not a regular file", path);
		copy_close(copy);
		return false;
	}
	if (quire_model_open_fd(copy->file, &options, &copy->model, &error) !=
	    QUIRE_OK) {
		report_unopened(path, &error);
		copy_close(copy);
		return false;
	}
	quire_model_describe(copy->model, &copy->info);
	if (lenient || !copy->info.header_edited)
		return true;
	trouble("%s: the header does not match its checksum: edited by another "
		"tool, or damaged; 'quire verify' checks the "
		"tensors, and 'quire edit --force' accepts the header",
		path);
	copy_close(copy);
	return false;
}

void copy_close(struct copy *copy)
{
	quire_model_close(copy->model);
	quire_file_close(copy->file);
}

/* Keys that the writer derives. */
static bool is_derived(const char *key, bool plain)
{
	static const char *const derived[] = {
		"quire.version",     "quire.header.xxh3",
		"quire.tensor.xxh3", "quire.tensor.source",
		"quire.linear.name", "quire.linear.weight",
		"quire.linear.bias", "quire.linear.k",
		"quire.padding",     "quire.linear.accuracy_level",
	};

	if (plain)
		return strncmp(key, "quire.", 6) == 0;
	for (size_t i = 0; i < sizeof(derived) / sizeof(*derived); i++)
		if (strcmp(key, derived[i]) == 0)
			return true;
	return false;
}

static quire_status declare_value(const struct copy_how *how,
				  quire_writer *writer, const char *key,
				  const quire_value *value, quire_error *error)
{
	const quire_value alignment = { .type = QUIRE_VALUE_U32,
					.as.u = how->alignment };

	if (is_derived(key, how->plain))
		return QUIRE_OK;
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

		status = key ? declare_value(how, writer, key, value, error)
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

/* Of two edits of one file at the same time, the second must not undo the
 * first. */
static bool is_still_there(const struct copy *copy, const char *path)
{
	struct file_facts opened, named;

	return quire_file_facts(copy->file, &opened) &&
	       quire_path_facts(path, &named) && file_same(&opened, &named);
}

static quire_status fill(struct copy *copy, const struct copy_how *how,
			 quire_writer *writer, quire_error *error)
{
	quire_status status = declare(copy, how, writer, error);

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

static quire_status write_file(struct copy *copy, const struct copy_how *how,
			       quire_error *error)
{
	const quire_writer_options options = {
		.alignment = how->alignment,
		.overwrite = how->overwrite || how->in_place,
		.plain = how->plain,
	};
	quire_writer *writer;
	quire_status status =
	    quire_writer_create(how->output, &options, &writer, error);

	if (status != QUIRE_OK)
		return status;
	status = fill(copy, how, writer, error);
	quire_writer_free(writer);
	return status;
}

/* Opens what was written, as any reader does. */
static int look(struct copy *copy, const char *output)
{
	quire_model *made;
	quire_error error;

	if (quire_model_open(output, NULL, &made, &error) != QUIRE_OK)
		return trouble_with_file(output, &error);
	quire_model_describe(made, &copy->result);
	quire_model_close(made);
	return EXIT_FINE;
}

int copy_write(struct copy *copy, const struct copy_how *how)
{
	quire_status status;
	quire_error error;
	int code = EXIT_TROUBLE;

	copy->progress = progress_start(how->output);
	signals_hold();
	status = write_file(copy, how, &error);
	progress_clear(&copy->progress);
	if (status == QUIRE_OK)
		code = look(copy, how->output);
	else if (status != QUIRE_ERROR_CANCELLED)
		code = trouble_with_file(
		    quire_error_is_about(&error, how->output) ? how->output
							      : copy->path,
		    &error);
	signals_release(); /* ends the program if cancelled */
	return code;
}
