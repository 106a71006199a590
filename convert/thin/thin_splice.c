/*
 * thin_splice.c - the walk through the model: which nodes give way to ours,
 * which inputs go, and what each graph gets at its end.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/thin/thin.h"

/* Fields of ONNX's messages, by their numbers. */
enum {
	MODEL_OPSET = 8,
	GRAPH_NODE = 1,
	GRAPH_INITIALIZER = 5,
	GRAPH_INPUT = 11,
	TENSOR_DIMS = 1,
	TENSOR_TYPE = 2,
	TENSOR_NAME = 8,
	INFO_NAME = 1,
	OPSET_DOMAIN = 1,
	OPSET_VERSION = 2,
};

static bool take_node(struct thin_writer *in, struct tensor_walk *walk,
		      const struct wire_field *field)
{
	const size_t *number =
	    quire_table_find(&in->nodes, 0, &field->at, sizeof(field->at));

	if (!number)
		return false;
	in->seen++;
	switch (in->thin->nodes[*number].kind) {
	case THIN_STAYS:
		return false; /* it is not in the table */
	case THIN_LINEAR:
	case THIN_EMBEDDING:
		quire_thin_add_node(in, walk, field, *number);
		break;
	case THIN_JOINED:
	case THIN_ADDER:
	case THIN_UNUSED:
	case THIN_HOISTED:
		break;
	}
	return true;
}

/* ------------------------------------------------------------ other fields */

/* The text of a field within a message, to be freed; NULL: it has none, or
 * memory is out. */
static char *text_within(struct tensor_walk *walk,
			 const struct wire_field *message, uint64_t number)
{
	struct wire fields = quire_wire_within(walk->window, message);
	struct wire_field field;
	char *text = NULL;

	while (quire_wire_next(&fields, &field)) {
		if (field.number != number || field.type != WIRE_BYTES ||
		    field.size >= SIZE_MAX)
			continue;
		free(text);
		text = malloc((size_t)field.size + 1);
		if (!text)
			break;
		memset(text, 0, (size_t)field.size + 1);
		/* A failure stays in the window. */
		(void)quire_window_read(walk->window, field.at, text,
					(size_t)field.size);
	}
	return text;
}

/* Whether an input of a graph is an initializer that is dropped. */
static bool is_dropped(const struct thin_writer *in, struct tensor_walk *walk,
		       struct walk_place graph, const struct wire_field *info)
{
	const struct thinning *thin = in->thin;
	const size_t *scope =
	    quire_table_find(&in->graphs, 0, &graph.at, sizeof(graph.at));
	char *name = text_within(walk, info, INFO_NAME);
	const size_t *value = scope && name
				  ? quire_table_find(&thin->model->names,
						     *scope, name, strlen(name))
				  : NULL;

	free(name);
	return value && thin->data[*value].place == SPLICE_DROP;
}

/* An import of our domain is written anew. */
static bool is_our_import(struct tensor_walk *walk,
			  const struct wire_field *import)
{
	char *domain = text_within(walk, import, OPSET_DOMAIN);
	const bool ours = domain && strcmp(domain, QUIRE_THIN_DOMAIN) == 0;

	free(domain);
	return ours;
}

static bool see_field(void *context, struct tensor_walk *walk,
		      struct walk_place in, const struct wire_field *field)
{
	struct thin_writer *writer = context;

	if (field->type != WIRE_BYTES)
		return false;
	switch (in.message) {
	case WALK_MODEL:
		return field->number == MODEL_OPSET &&
		       is_our_import(walk, field);
	case WALK_GRAPH:
		if (field->number == GRAPH_NODE)
			return take_node(writer, walk, field);
		return field->number == GRAPH_INPUT &&
		       is_dropped(writer, walk, in, field);
	default:
		return false;
	}
}

/* -------------------------------------------------------------------- ends */

static void add_import(struct segments *out)
{
	const size_t import = quire_segments_open(out);

	quire_segments_text(out, OPSET_DOMAIN, QUIRE_THIN_DOMAIN);
	quire_segments_number(out, OPSET_VERSION, QUIRE_THIN_VERSION);
	quire_segments_close(out, import, MODEL_OPSET, NULL);
}

/* A Constant node of the graph as an initializer. */
static void add_hoisted(const struct thinning *thin, struct segments *out,
			const struct onnx_value *value)
{
	const struct splice_data *data =
	    &thin->data[value - thin->model->values];
	const size_t tensor = quire_segments_open(out);

	for (size_t i = 0; i < value->rank; i++)
		quire_segments_number(out, TENSOR_DIMS,
				      (uint64_t)value->dims[i]);
	quire_segments_number(out, TENSOR_TYPE, (uint64_t)value->type);
	quire_segments_text(out, TENSOR_NAME, value->name);
	quire_splice_external(out, data->location, data->offset, value->size);
	quire_segments_close(out, tensor, GRAPH_INITIALIZER, NULL);
}

static void end_graph(struct thin_writer *in, struct tensor_walk *walk,
		      struct walk_place graph)
{
	const struct thinning *thin = in->thin;
	const size_t *scope =
	    quire_table_find(&in->graphs, 0, &graph.at, sizeof(graph.at));
	struct segments *out = walk->out;

	if (!scope)
		return;
	for (size_t i = in->first_hoisted[*scope]; i != SIZE_MAX;
	     i = in->next_hoisted[i])
		add_hoisted(thin, out, &thin->model->values[i]);
	if (in->by_name || !in->has_nodes[*scope])
		return;

	const size_t tensor = quire_segments_open(out);

	quire_thin_add_container(in, out, *scope);
	quire_segments_close(out, tensor, GRAPH_INITIALIZER, NULL);
}

static void see_end(void *context, struct tensor_walk *walk,
		    struct walk_place in)
{
	struct thin_writer *writer = context;

	switch (in.message) {
	case WALK_MODEL:
		if (writer->thin->report->public.linears +
			writer->thin->report->public.embeddings >
		    0)
			add_import(walk->out);
		break;
	case WALK_GRAPH:
		end_graph(writer, walk, in);
		break;
	default:
		break;
	}
}

/* ------------------------------------------------------------------- model */

/* Indexes what the walk finds by its place in the file. */
static quire_status index_places(struct thin_writer *in)
{
	const struct onnx_model *model = in->thin->model;
	quire_error *error = in->thin->error;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < model->node_count && status == QUIRE_OK; i++) {
		const uint64_t *at = &model->nodes[i].message_offset;

		if (in->thin->nodes[i].kind != THIN_STAYS)
			status = quire_table_add(&in->nodes, 0, at, sizeof(*at),
						 i, error);
	}
	for (size_t i = 0; i < model->scope_count && status == QUIRE_OK; i++) {
		const uint64_t *at = &model->scopes[i].message_offset;

		if (!model->scopes[i].is_function)
			status = quire_table_add(&in->graphs, 0, at,
						 sizeof(*at), i, error);
	}
	return status;
}

/* Lists the hoisted values of each scope, in their order. */
static void list_hoisted(const struct thin_writer *in)
{
	const struct onnx_model *model = in->thin->model;

	for (size_t i = 0; i < model->scope_count; i++)
		in->first_hoisted[i] = SIZE_MAX;
	for (size_t i = model->value_count; i-- > 0;) {
		const struct onnx_value *value = &model->values[i];

		if (value->origin != ONNX_CONSTANT || value->initializer ||
		    in->thin->nodes[value->producer].kind != THIN_HOISTED)
			continue;
		in->next_hoisted[i] = in->first_hoisted[value->scope];
		in->first_hoisted[value->scope] = i;
	}
}

static quire_status allocate(struct thin_writer *in)
{
	const struct onnx_model *model = in->thin->model;

	in->has_nodes = calloc(model->scope_count + 1, sizeof(*in->has_nodes));
	in->first_hoisted =
	    calloc(model->scope_count + 1, sizeof(*in->first_hoisted));
	in->next_hoisted =
	    calloc(model->value_count + 1, sizeof(*in->next_hoisted));
	if (!in->has_nodes || !in->first_hoisted || !in->next_hoisted)
		return quire_fail_memory(in->thin->error, model->value_count);
	return QUIRE_OK;
}

/* The walk has seen each node that was to change. */
static quire_status check_seen(const struct thin_writer *in)
{
	if (in->out_of_memory)
		return quire_fail(in->thin->error, QUIRE_ERROR_MEMORY,
				  QUIRE_NO_OFFSET, "out of memory");
	if (in->seen != in->nodes.index.count)
		return quire_fail(in->thin->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET,
				  "the model gives a graph or an attribute "
				  "in several pieces");
	return QUIRE_OK;
}

quire_status quire_thin_splice(struct thinning *thin, struct segments *segments)
{
	struct thin_writer in = {
		.thin = thin,
		.by_name = quire_model_part_count(thin->file) > 1,
	};
	const struct splice splice = { .model = thin->model,
				       .data = thin->data,
				       .field = see_field,
				       .end = see_end,
				       .context = &in };
	quire_status status = allocate(&in);

	if (status == QUIRE_OK)
		status = index_places(&in);
	if (status == QUIRE_OK) {
		list_hoisted(&in);
		status = quire_splice(&splice, segments, thin->error);
	}
	if (status == QUIRE_OK)
		status = check_seen(&in);
	quire_table_free(&in.nodes);
	quire_table_free(&in.graphs);
	free(in.has_nodes);
	free(in.first_hoisted);
	free(in.next_hoisted);
	free(in.names);
	return status;
}
