/*
 * open.c - opens models: by path, by descriptor, in memory. The rules of the
 * format are the parser's. Tensors' bytes are read only if the options require
 * it.
 */
#include "loader/open.h"

#include <stdlib.h>
#include <string.h>

#include "base/entropy.h"
#include "base/error.h"
#include "loader/ahead.h"
#include "loader/header.h"
#include "loader/lazy.h"
#include "loader/verify.h"

/* Parses a part whose bytes are in memory. */
static quire_status parse_part(struct opening *opening, size_t part)
{
	struct model_part *file = &opening->parts[part];
	struct quire_parsed_part *parsed = &opening->parsed[part];
	struct quire_input input;
	quire_status status = quire_header_take(file, &input, opening->error);

	if (status == QUIRE_OK)
		status = quire_parse(&input, &opening->parse, &parsed->index,
				     opening->error);
	if (status != QUIRE_OK) {
		quire_error_name_file(opening->error, file->path);
		return status;
	}
	parsed->bytes = input.header;
	file->alignment = parsed->index.info.alignment;
	file->data_offset = parsed->index.info.data_offset;
	file->tensor_count = parsed->index.tensor_count;
	file->header_edited = parsed->index.info.header_edited;
	return QUIRE_OK;
}

static void take_map(struct model_part *file)
{
	file->bytes = file->map.data;
	file->size = file->map.size;
}

quire_status quire_open_part(struct opening *opening, size_t part)
{
	struct model_part *file = &opening->parts[part];
	const quire_status status = quire_map_file(
	    file->path, opening->options->load, &file->map, opening->error);

	if (status != QUIRE_OK)
		return status;
	take_map(file);
	return parse_part(opening, part);
}

static quire_status check_options(const quire_open_options *options,
				  quire_error *error)
{
	if ((unsigned)options->verify <= QUIRE_VERIFY_LAZY &&
	    (unsigned)options->load <= QUIRE_LOAD_READ &&
	    (unsigned)options->prefetch <= QUIRE_PREFETCH_POPULATE)
		return QUIRE_OK;
	return quire_fail(
	    error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
	    "an option of quire_open_options has an invalid value");
}

/* Makes room for one part, which is empty. */
static quire_status begin(struct opening *opening,
			  const quire_open_options *options, quire_error *error)
{
	static const quire_open_options defaults;
	quire_status status;

	*opening = (struct opening){ .options = options ? options : &defaults,
				     .error = error };
	status = check_options(opening->options, error);
	if (status != QUIRE_OK)
		return status;
	opening->parse.allow_edited_header =
	    opening->options->allow_edited_header;
	opening->part_count = 1;
	opening->parts = calloc(1, sizeof(*opening->parts));
	opening->parsed = calloc(1, sizeof(*opening->parsed));
	opening->parse.seed = quire_entropy_seed(opening->parts);
	if (!opening->parts || !opening->parsed)
		return quire_fail_memory(error, sizeof(*opening->parts));
	return QUIRE_OK;
}

static void free_parts(struct model_part *parts, size_t count)
{
	for (size_t i = 0; parts && i < count; i++) {
		free(parts[i].path);
		free(parts[i].header);
		quire_unmap(&parts[i].map);
	}
	free(parts);
}

static void abandon(struct opening *opening)
{
	for (size_t i = 0; opening->parsed && i < opening->part_count; i++)
		quire_index_free(&opening->parsed[i].index);
	free(opening->parsed);
	free_parts(opening->parts, opening->part_count);
}

/* The index of all parts. */
static quire_status join(struct opening *opening, struct quire_index *index)
{
	size_t culprit;
	quire_status status;

	if (opening->part_count == 1) {
		*index = opening->parsed[0].index;
		opening->parsed[0].index = (struct quire_index){ 0 };
		return QUIRE_OK;
	}
	status =
	    quire_parse_join(opening->parsed, opening->part_count,
			     &opening->parse, index, &culprit, opening->error);
	if (status != QUIRE_OK)
		quire_error_name_file(opening->error,
				      opening->parts[culprit].path);
	else /* `index` has taken over what they had */
		memset(opening->parsed, 0,
		       opening->part_count * sizeof(*opening->parsed));
	return status;
}

/* Does with the tensors' pages what the options require. */
static quire_status use_pages(const struct opening *opening, quire_model *model)
{
	const quire_open_options *options = opening->options;
	quire_error *error = opening->error;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < model->part_count && status == QUIRE_OK; i++) {
		const struct model_part *part = &model->parts[i];

		if (options->prefetch == QUIRE_PREFETCH_POPULATE)
			status =
			    quire_map_populate(&part->map, part->path, error);
		if (status == QUIRE_OK && options->lock)
			status = quire_map_lock(&part->map, part->path, error);
	}
	if (status != QUIRE_OK || options->verify == QUIRE_VERIFY_HEADER)
		return status;
	status = options->verify == QUIRE_VERIFY_LAZY
		     ? quire_lazy_create(model, error)
		     : quire_verify_tensors(model, NULL, error);
	if (status != QUIRE_OK)
		quire_error_name_file(error, quire_model_path(model));
	return status;
}

/* Makes a model of the parsed parts. After a failure the caller still abandons
 * `opening`. */
static quire_status finish(struct opening *opening, quire_model **model)
{
	quire_model *made = calloc(1, sizeof(*made));
	quire_status status;
	size_t tensors = 0;

	if (!made)
		return quire_fail_memory(opening->error, sizeof(*made));
	status = join(opening, &made->index);
	if (status != QUIRE_OK) {
		free(made);
		return status;
	}
	for (size_t i = 0; i < opening->part_count; i++) {
		opening->parts[i].first_tensor = tensors;
		tensors += opening->parts[i].tensor_count;
	}
	made->parts = opening->parts;
	made->part_count = opening->part_count;
	opening->parts = NULL;
	status = use_pages(opening, made);
	if (status != QUIRE_OK) {
		quire_model_close(made);
		return status;
	}
	/* Last, because nothing can fail any more. */
	if (opening->options->prefetch == QUIRE_PREFETCH_WILL_NEED &&
	    made->parts[0].map.watched)
		quire_ahead_start(made);
	free(opening->parsed);
	*model = made;
	return QUIRE_OK;
}

static quire_status open_path(struct opening *opening, const char *path,
			      quire_model **model)
{
	const size_t size = strlen(path) + 1;
	char *copy = malloc(size);
	quire_status status;

	if (!copy)
		return quire_fail_memory(opening->error, size);
	memcpy(copy, path, size);
	opening->parts[0].path = copy;
	opening->parse.take_part = true;
	status = quire_open_part(opening, 0);
	if (status == QUIRE_OK && opening->parsed[0].index.split.count > 1)
		status = quire_open_siblings(opening);
	return status == QUIRE_OK ? finish(opening, model) : status;
}

quire_status quire_model_open(const char *path,
			      const quire_open_options *options,
			      quire_model **model, quire_error *error)
{
	struct opening opening;
	quire_status status = begin(&opening, options, error);

	if (status == QUIRE_OK)
		status = open_path(&opening, path, model);
	if (status != QUIRE_OK)
		abandon(&opening);
	return status;
}

quire_status quire_model_open_fd(int fd, const quire_open_options *options,
				 quire_model **model, quire_error *error)
{
	struct opening opening;
	quire_status status = begin(&opening, options, error);

	if (status == QUIRE_OK)
		status = quire_map_fd(fd, NULL, opening.options->load,
				      &opening.parts[0].map, error);
	if (status == QUIRE_OK) {
		take_map(opening.parts);
		status = parse_part(&opening, 0);
	}
	if (status == QUIRE_OK)
		status = finish(&opening, model);
	if (status != QUIRE_OK)
		abandon(&opening);
	return status;
}

quire_status quire_model_open_memory(const void *data, size_t size,
				     const quire_open_options *options,
				     quire_model **model, quire_error *error)
{
	struct opening opening;
	quire_open_options own = { .load = QUIRE_LOAD_MAP };
	quire_status status;

	if (options)
		own = *options;
	own.lock = false;
	status = begin(&opening, &own, error);
	if (status == QUIRE_OK) {
		opening.parts[0].bytes = data;
		opening.parts[0].size = size;
		status = parse_part(&opening, 0);
	}
	if (status == QUIRE_OK)
		status = finish(&opening, model);
	if (status != QUIRE_OK)
		abandon(&opening);
	return status;
}

void quire_model_close(quire_model *model)
{
	if (!model)
		return;
	quire_ahead_stop(model);
	quire_lazy_free(model->lazy);
	quire_index_free(&model->index);
	free_parts(model->parts, model->part_count);
	free(model);
}
