/*
 * model.c - opens containers and looks names up in them. The rules of the
 * format are the parser's; tensors' bytes are not touched.
 */
#include "loader/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "format/error.h"
#include "format/parse.h"
#include "format/value.h"

/* A seed that a file's author cannot know; see quire_names_build. Where the
 * system has no entropy to give, address layout is what remains. */
static uint64_t secret_seed(const void *address)
{
	uint64_t seed;

	if (getentropy(&seed, sizeof(seed)) != 0)
		seed = (uint64_t)(uintptr_t)address;
	return seed;
}

static quire_status open_bytes(const void *data, size_t size,
			       const quire_open_options *options,
			       quire_model **model, quire_error *error)
{
	struct quire_parse_options parse_options = { 0 };
	quire_model *opened = calloc(1, sizeof(*opened));
	quire_status status;

	if (!opened)
		return quire_fail_memory(error, sizeof(*opened));
	opened->bytes = data;
	parse_options.allow_edited_header =
	    options && options->allow_edited_header;
	parse_options.seed = secret_seed(opened);
	status = quire_parse(data, size, &parse_options, &opened->index, error);
	if (status != QUIRE_OK) {
		free(opened);
		return status;
	}
	*model = opened;
	return QUIRE_OK;
}

/* Puts the file's name before a message that lacks it; of a long path the end,
 * so that the message stays whole. */
static void name_file(quire_error *error, const char *path)
{
	const size_t room = sizeof(error->message) - sizeof("...: ");
	const size_t path_size = strlen(path);
	quire_error named;
	size_t size;

	if (!error)
		return;
	size = strlen(error->message);
	if (path_size + size <= room)
		quire_fail(&named, error->status, error->offset, "%s: %s", path,
			   error->message);
	else
		quire_fail(&named, error->status, error->offset, "...%s: %s",
			   path + path_size - (room > size ? room - size : 0),
			   error->message);
	*error = named;
}

quire_status quire_model_open(const char *path,
			      const quire_open_options *options,
			      quire_model **model, quire_error *error)
{
	struct quire_map map;
	quire_status status = quire_map_file(path, &map, error);

	if (status != QUIRE_OK)
		return status;
	status = open_bytes(map.data, map.size, options, model, error);
	if (status != QUIRE_OK) {
		name_file(error, path);
		quire_unmap(&map);
		return status;
	}
	(*model)->map = map;
	return QUIRE_OK;
}

quire_status quire_model_open_memory(const void *data, size_t size,
				     const quire_open_options *options,
				     quire_model **model, quire_error *error)
{
	return open_bytes(data, size, options, model, error);
}

void quire_model_close(quire_model *model)
{
	if (!model)
		return;
	quire_index_free(&model->index);
	quire_unmap(&model->map);
	free(model);
}

void quire_model_describe(const quire_model *model, quire_model_info *info)
{
	*info = model->index.info;
}

size_t quire_model_tensor_count(const quire_model *model)
{
	return model->index.tensor_count;
}

const quire_tensor *quire_model_tensor(const quire_model *model, size_t index)
{
	return index < model->index.tensor_count ? &model->index.tensors[index]
						 : NULL;
}

const quire_tensor *quire_model_find_tensor(const quire_model *model,
					    const char *name)
{
	return quire_model_tensor(model,
				  quire_names_find(&model->index.tensor_names,
						   quire_string_of(name)));
}

size_t quire_model_linear_count(const quire_model *model)
{
	return model->index.linear_count;
}

const quire_linear *quire_model_linear(const quire_model *model, size_t index)
{
	return index < model->index.linear_count ? &model->index.linears[index]
						 : NULL;
}

const quire_linear *quire_model_find_linear(const quire_model *model,
					    const char *name)
{
	return quire_model_linear(model,
				  quire_names_find(&model->index.linear_names,
						   quire_string_of(name)));
}

size_t quire_model_value_count(const quire_model *model)
{
	return model->index.value_count;
}

const quire_value *quire_model_value(const quire_model *model, size_t index,
				     quire_string *key)
{
	if (index >= model->index.value_count)
		return NULL;
	if (key)
		*key = model->index.values[index].key;
	return &model->index.values[index].value;
}

const quire_value *quire_model_find_value(const quire_model *model,
					  const char *key)
{
	return quire_index_value(&model->index, key);
}
