/*
 * onnx_model.c - puts a model together and looks things up in it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/output.h"
#include "base/utf8.h"
#include "convert/onnx/onnx_private.h"

quire_status quire_onnx_text(const char *text, const char **valid,
			     quire_error *error)
{
	if (!text)
		text = "";
	if (!quire_utf8_valid(text, strlen(text)))
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "the model has a name that is not UTF-8");
	*valid = text;
	return QUIRE_OK;
}

quire_status quire_onnx_add_scope(struct onnx_model *model,
				  const struct onnx_scope *added, size_t *scope,
				  quire_error *error)
{
	struct onnx_scope *scopes =
	    quire_grow(model->scopes, &model->scope_capacity,
		       model->scope_count, sizeof(*scopes));

	if (!scopes)
		return quire_fail_memory(error, sizeof(*scopes));
	model->scopes = scopes;
	*scope = model->scope_count++;
	scopes[*scope] = *added;
	return QUIRE_OK;
}

quire_status quire_onnx_add_node(struct onnx_model *model,
				 const struct onnx_node *node,
				 quire_error *error)
{
	struct onnx_node *nodes =
	    quire_grow(model->nodes, &model->node_capacity, model->node_count,
		       sizeof(*nodes));

	if (!nodes)
		return quire_fail_memory(error, sizeof(*nodes));
	model->nodes = nodes;
	nodes[model->node_count++] = *node;
	return QUIRE_OK;
}

quire_status quire_onnx_add_value(struct onnx_model *model,
				  const struct onnx_value *value,
				  quire_error *error)
{
	const size_t size = strlen(value->name);
	const size_t *known =
	    quire_table_find(&model->names, value->scope, value->name, size);
	struct onnx_value *values;

	if (known && value->origin == ONNX_INPUT &&
	    model->values[*known].initializer)
		return QUIRE_OK;
	if (known)
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "two values are named '%s'", value->name);
	values = quire_grow(model->values, &model->value_capacity,
			    model->value_count, sizeof(*values));
	if (!values)
		return quire_fail_memory(error, sizeof(*values));
	model->values = values;
	values[model->value_count] = *value;
	return quire_table_add(&model->names, value->scope, value->name, size,
			       model->value_count++, error);
}

const struct onnx_value *quire_onnx_find(const struct onnx_model *model,
					 size_t scope, const char *name)
{
	const size_t size = strlen(name);

	for (; scope != ONNX_NO_SCOPE; scope = model->scopes[scope].parent) {
		const size_t *found =
		    quire_table_find(&model->names, scope, name, size);

		if (found)
			return &model->values[*found];
	}
	return NULL;
}

void quire_onnx_note_output(struct onnx_model *model, size_t scope,
			    const char *name)
{
	const struct onnx_value *value =
	    name ? quire_onnx_find(model, scope, name) : NULL;

	if (value)
		model->values[value - model->values].output = true;
}

const struct onnx_node *quire_onnx_producer(const struct onnx_model *model,
					    const struct onnx_value *value)
{
	return value && value->origin == ONNX_COMPUTED
		   ? &model->nodes[value->producer]
		   : NULL;
}

const struct onnx_attribute *quire_onnx_attribute(const struct onnx_node *node,
						  const char *name)
{
	for (size_t i = 0; i < node->attribute_count; i++)
		if (strcmp(node->attributes[i].name, name) == 0)
			return &node->attributes[i];
	return NULL;
}

int64_t quire_onnx_integer(const struct onnx_node *node, const char *name,
			   int64_t absent)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return found && found->is_int ? found->i : absent;
}

bool quire_onnx_is(const struct onnx_node *node, const char *op_type)
{
	return strcmp(node->op_type, op_type) == 0 &&
	       (node->domain[0] == '\0' ||
		strcmp(node->domain, "ai.onnx") == 0);
}

bool quire_onnx_is_external(const struct onnx_model *model,
			    const struct onnx_value *value)
{
	return value->file && value->file != model->file;
}

quire_status quire_onnx_check_files(const struct onnx_model *model,
				    quire_error *error)
{
	quire_status status = quire_onnx_file_check(model->file, error);

	for (size_t i = 0; i < model->files.count && status == QUIRE_OK; i++)
		status = quire_onnx_file_check(model->files.items[i], error);
	return status;
}

bool quire_onnx_is_destroyed(const struct onnx_model *model, const char *path)
{
	struct quire_output_place place;

	quire_output_look(path, &place);

	bool hits = quire_output_hits(&place, model->file->path);

	for (size_t i = 0; i < model->files.count && place.count > 0 && !hits;
	     i++)
		hits = quire_output_hits(&place, model->files.items[i]->path);
	return hits;
}

const char *quire_onnx_label(const struct onnx_node *node)
{
	if (node->name[0] == '\0' && node->output_count > 0)
		return node->outputs[0];
	return node->name;
}

/* ------------------------------------------------------------ shared bytes */

/* Bytes of all constants for each byte of the files that hold them. Tools that
 * merge equal constants share the bytes of some; nobody shares most of them
 * eight times. */
#define SHARED_FACTOR 8
#define SHARED_BASE   (UINT64_C(16) << 20)

/* The bytes of a constant, in one file under any of its names. */
struct range {
	uint64_t device, number;
	uint64_t start, end;
};

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

/* Bytes that lie in any of the ranges, which it sorts. */
static uint64_t join_ranges(struct range *ranges, size_t count)
{
	uint64_t size = 0, end = 0;

	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < count; i++) {
		const struct range *range = &ranges[i];
		uint64_t start = range->start;

		if (i == 0 || range[-1].device != range->device ||
		    range[-1].number != range->number)
			end = 0;
		if (start < end)
			start = end;
		if (range->end > start)
			size += range->end - start;
		if (range->end > end)
			end = range->end;
	}
	return size;
}

quire_status quire_onnx_measure_source(struct onnx_model *model,
				       quire_error *error)
{
	struct range *ranges = calloc(model->value_count + 1, sizeof(*ranges));
	size_t count = 0;
	uint64_t all = 0, limit;
	bool fits = true;

	if (!ranges)
		return quire_fail_memory(error,
					 model->value_count * sizeof(*ranges));
	for (size_t i = 0; i < model->value_count; i++) {
		const struct onnx_value *value = &model->values[i];

		if (value->file)
			ranges[count++] = (struct range){
				value->file->facts.device,
				value->file->facts.number,
				value->offset,
				value->offset + value->size,
			};
		else if (value->bytes)
			model->source_size += value->size;
		if (value->file || value->bytes)
			fits = fits && checked_add(all, value->size, &all);
	}
	model->source_size += join_ranges(ranges, count);
	free(ranges);
	if (fits && (!checked_mul(model->source_size, SHARED_FACTOR, &limit) ||
		     !checked_add(limit, SHARED_BASE, &limit) || all <= limit))
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "its constants have %" PRIu64 " bytes and share "
			  "them: their files have only %" PRIu64 " bytes for "
			  "them",
			  all, model->source_size);
}
