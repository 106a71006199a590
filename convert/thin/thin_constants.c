/*
 * thin_constants.c - where the data of the constants goes that are left: into
 * the container, into the new model, or to the file of external data where it
 * is. Every file that the new model names must lie in its folder, because ONNX
 * Runtime takes no other.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/path.h"
#include "convert/thin/thin.h"

/* Smaller constants stay in the model, as with the onnx package: they are what
 * shape inference and graph optimizers read. */
#define EXTERNAL_MIN_SIZE 1024

/* External data of less than this moves into the model, so that the model does
 * not need a file of gigabytes for the sake of a few numbers. */
#define INLINE_MAX_SIZE ((uint64_t)1 << 20)

/* ------------------------------------------------------------------- files */

/* The folder of the new model, without links. */
static quire_status find_folder(struct thinning *thin)
{
	char *folder = quire_path_folder(thin->thin_path);

	if (!folder)
		return quire_fail_memory(thin->error, strlen(thin->thin_path));
	thin->folder = quire_path_resolve(folder);
	free(folder);
	return thin->folder ? QUIRE_OK
			    : quire_fail_errno(thin->error, thin->thin_path,
					       "cannot open its folder");
}

/* Where a file lies below the folder of the new model; to be freed. NULL with
 * QUIRE_OK: elsewhere. */
static quire_status locate(const struct thinning *thin, const char *path,
			   char **location)
{
	char *real = quire_path_resolve(path);
	size_t size = strlen(thin->folder);
	quire_status status = QUIRE_OK;

	if (!real)
		return quire_fail_errno(thin->error, path, "cannot open");
	if (size > 0 && thin->folder[size - 1] == '/')
		size--;
	if (strncmp(real, thin->folder, size) == 0 && real[size] == '/') {
		*location = strdup(real + size + 1);
		if (!*location)
			status = quire_fail_memory(thin->error, strlen(real));
	}
	free(real);
	return status;
}

/* The location of file number `index` of thin->locations. */
static quire_status find_location(const struct thinning *thin, size_t index,
				  const char *path, const char **location)
{
	char **found = &thin->locations[index];
	quire_status status = QUIRE_OK;

	if (!*found)
		status = locate(thin, path, found);
	if (status == QUIRE_OK && !*found)
		return quire_fail_file(
		    thin->error, QUIRE_ERROR_ARGUMENT, path, QUIRE_NO_OFFSET,
		    "the new model needs this file, but it is not in the "
		    "folder of '%s', where ONNX Runtime looks for it; put both "
		    "into one folder (a link does not do)",
		    thin->thin_path);
	*location = *found;
	return status;
}

static quire_status locate_part(const struct thinning *thin, size_t index)
{
	const char *location;
	quire_part part = { .path = NULL };

	(void)quire_model_part(thin->file, index, &part);
	return find_location(thin, index, part.path, &location);
}

/* A file of the model's external data. */
static quire_status locate_file(const struct thinning *thin,
				const struct onnx_file *file,
				const char **location)
{
	const struct onnx_files *files = &thin->model->files;
	size_t index = 0;

	while (index < files->count && files->items[index] != file)
		index++;
	return find_location(thin, quire_model_part_count(thin->file) + index,
			     file->path, location);
}

/* --------------------------------------------------------------- constants */

/* Whether the new model has the constant. */
static bool is_left(const struct thinning *thin, size_t number)
{
	const struct onnx_value *value = &thin->model->values[number];

	if (value->origin != ONNX_CONSTANT || value->sparse)
		return false;
	return value->initializer
		   ? thin->data[number].place != SPLICE_DROP
		   : thin->nodes[value->producer].kind == THIN_STAYS;
}

/* ONNX Runtime takes external data in initializers only. So a Constant node
 * becomes one; a function cannot have one. */
static bool can_point(const struct thinning *thin,
		      const struct onnx_value *value)
{
	return value->size >= EXTERNAL_MIN_SIZE &&
	       (value->initializer ||
		!thin->model->scopes[value->scope].is_function);
}

/* Has a constant point at its tensor, which has the same bytes. */
static quire_status point(struct thinning *thin, const struct plan_item *item)
{
	const struct onnx_value *value = item->value;
	const size_t number = (size_t)(value - thin->model->values);
	const quire_tensor *tensor = thin->tensors[item->index];
	const quire_thin_row row = { .source = value->name,
				     .outcome = QUIRE_THIN_EXTERNAL,
				     .size = value->size };

	if (!is_left(thin, number) || !can_point(thin, value))
		return QUIRE_OK;
	thin->data[number] = (struct splice_data){
		.place = value->initializer ? SPLICE_EXTERNAL : SPLICE_KEEP,
		.location = thin->locations[tensor->part],
		.offset = tensor->offset,
	};
	if (!value->initializer)
		thin->nodes[value->producer].kind = THIN_HOISTED;
	return quire_thin_add_row(thin, row, tensor);
}

/* A constant whose data is beside the old model, and not in the container. */
static quire_status keep(struct thinning *thin, size_t number)
{
	const struct onnx_value *value = &thin->model->values[number];
	struct splice_data *data = &thin->data[number];
	const quire_thin_row row = { .source = value->name,
				     .reason = "it stays in the model's "
					       "external data",
				     .outcome = QUIRE_THIN_KEPT,
				     .size = value->size };
	quire_status status;

	if (value->size < INLINE_MAX_SIZE) {
		data->place = SPLICE_INLINE;
		return QUIRE_OK;
	}
	status = locate_file(thin, value->file, &data->location);
	if (status != QUIRE_OK)
		return status;
	data->place = SPLICE_EXTERNAL;
	data->offset = value->offset;
	return quire_thin_add_row(thin, row, NULL);
}

quire_status quire_thin_place(struct thinning *thin)
{
	const struct plan *plan = thin->plan;
	const size_t parts = quire_model_part_count(thin->file);
	quire_status status = find_folder(thin);

	if (status != QUIRE_OK)
		return status;
	thin->locations = calloc(parts + thin->model->files.count + 1,
				 sizeof(*thin->locations));
	if (!thin->locations)
		return quire_fail_memory(thin->error, parts);
	for (size_t i = 0; i < parts && status == QUIRE_OK; i++)
		status = locate_part(thin, i);
	for (size_t i = 0; i < plan->item_count && status == QUIRE_OK; i++)
		if (plan->items[i].kind == PLAN_COPY)
			status = point(thin, &plan->items[i]);
	for (size_t i = 0; i < thin->model->value_count && status == QUIRE_OK;
	     i++)
		if (is_left(thin, i) && !thin->data[i].location &&
		    quire_onnx_is_external(thin->model,
					   &thin->model->values[i]))
			status = keep(thin, i);
	return status;
}
