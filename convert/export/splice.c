/*
 * splice.c - walks the messages in the order in which onnx_read.c does, by
 * ONNX's field numbers, and so knows each constant again by its scope and
 * name, and each node by its number. What new data is made of is not known
 * here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/export/export.h"

enum {
	MODEL_GRAPH = 7,
	MODEL_FUNCTIONS = 25,
	GRAPH_NODE = 1,
	GRAPH_INITIALIZER = 5,
	GRAPH_SPARSE = 15,
	FUNCTION_NODE = 7,
	NODE_ATTRIBUTE = 5,
	ATTRIBUTE_NAME = 1,
	ATTRIBUTE_TENSOR = 5,
	ATTRIBUTE_GRAPH = 6,
	ATTRIBUTE_TENSORS = 10,
	ATTRIBUTE_GRAPHS = 11,
	ATTRIBUTE_SPARSE = 22,
	ATTRIBUTE_SPARSES = 23,
	SPARSE_VALUES = 1,
	SPARSE_INDICES = 2,
	TENSOR_NAME = 8,
	TENSOR_RAW = 9,
	TENSOR_EXTERNAL = 13,
	TENSOR_PLACE = 14,
	PAIR_KEY = 1,
	PAIR_VALUE = 2,
};

#define PLACE_EXTERNAL 1

struct splicer {
	const struct splice *splice;
	struct window window; /* of the model's file */
	struct segments *out;
	size_t next_scope;
	size_t next_node;
	quire_error *error;
};

static quire_status fail_pieces(const struct splicer *in, const char *what)
{
	return quire_fail(in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "the model gives %s in several pieces", what);
}

static struct wire within(struct splicer *in, const struct wire_field *field)
{
	return quire_wire_within(&in->window, field);
}

static void copy(const struct splicer *in, const struct wire_field *field)
{
	quire_segments_copy(in->out, field);
}

static bool is_message(const struct wire_field *field, uint64_t number)
{
	return field->number == number && field->type == WIRE_BYTES;
}

/* The last string field of that number, as the unpacker takes it. */
static bool last_text(struct splicer *in, const struct wire_field *message,
		      uint64_t number, struct wire_field *text)
{
	struct wire fields = within(in, message);
	struct wire_field field;
	bool found = false;

	while (quire_wire_next(&fields, &field))
		if (is_message(&field, number)) {
			*text = field;
			found = true;
		}
	return found;
}

/* Whether a tensor says that its data is in another file. */
static bool is_external(struct splicer *in, const struct wire_field *tensor)
{
	struct wire fields = within(in, tensor);
	struct wire_field field;
	bool external = false;

	while (quire_wire_next(&fields, &field))
		if (field.number == TENSOR_PLACE && field.type == WIRE_VARINT)
			external = field.value == PLACE_EXTERNAL;
	return external;
}

static quire_status check_inline(struct splicer *in,
				 const struct wire_field *tensor)
{
	if (!is_external(in, tensor))
		return QUIRE_OK;
	return quire_fail(in->error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "external data of a tensor that is neither an "
			  "initializer nor a Constant cannot be exported");
}

static quire_status check_sparse(struct splicer *in,
				 const struct wire_field *sparse)
{
	struct wire fields = within(in, sparse);
	struct wire_field field;
	quire_status status = QUIRE_OK;

	while (status == QUIRE_OK && quire_wire_next(&fields, &field))
		if (is_message(&field, SPARSE_VALUES) ||
		    is_message(&field, SPARSE_INDICES))
			status = check_inline(in, &field);
	return status;
}

/* Of a tensor, the fields that hold data or say where it is. */
static bool holds_data(const struct wire_field *field)
{
	/* float, int32, string and int64 data, raw data, double and uint64
	 * data, external data and its place: fields 4 to 7, 9 to 11, 13, 14. */
	static const uint32_t data_fields = 0xF0 | 0xE00 | 0x6000;

	return field->number < 32 && (data_fields >> field->number & 1);
}

static void add_pair(const struct splicer *in, const char *key,
		     const char *value)
{
	const size_t pair = quire_segments_open(in->out);

	quire_segments_text(in->out, PAIR_KEY, key);
	quire_segments_text(in->out, PAIR_VALUE, value);
	quire_segments_close(in->out, pair, TENSOR_EXTERNAL, NULL);
}

static void add_number_pair(const struct splicer *in, const char *key,
			    uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	add_pair(in, key, digits);
}

/* A tensor with the data of value `number`, which its message has too. */
static void add_tensor(struct splicer *in, uint32_t as,
		       const struct wire_field *tensor, size_t number)
{
	const struct splice_data *data = &in->splice->data[number];
	const uint64_t size = in->splice->model->values[number].size;
	struct wire fields = within(in, tensor);
	const size_t message = quire_segments_open(in->out);
	struct wire_field field;

	while (quire_wire_next(&fields, &field))
		if (!holds_data(&field))
			copy(in, &field);
	if (data->place == SPLICE_INLINE) {
		quire_segments_data(in->out, TENSOR_RAW, number, size);
	} else {
		add_pair(in, "location", in->splice->location);
		add_number_pair(in, "offset", data->offset);
		add_number_pair(in, "length", size);
		quire_segments_number(in->out, TENSOR_PLACE, PLACE_EXTERNAL);
	}
	quire_segments_close(in->out, message, as, NULL);
}

/* A tensor that is the value of that name. */
static quire_status splice_tensor(struct splicer *in, uint32_t as,
				  const struct wire_field *tensor, size_t scope,
				  const char *name, size_t name_size)
{
	const size_t *number =
	    quire_table_find(&in->splice->model->names, scope, name, name_size);

	if (number && in->splice->data[*number].place != SPLICE_KEEP) {
		add_tensor(in, as, tensor, *number);
		return QUIRE_OK;
	}
	copy(in, tensor);
	return check_inline(in, tensor);
}

static quire_status splice_initializer(struct splicer *in, size_t scope,
				       const struct wire_field *tensor)
{
	struct wire_field name = { .size = 0 };
	char *text;
	quire_status status;

	last_text(in, tensor, TENSOR_NAME, &name);
	text = malloc((size_t)name.size + 1);
	if (!text)
		return quire_fail_memory(in->error, name.size + 1);
	text[name.size] = '\0';
	status =
	    quire_window_read(&in->window, name.at, text, (size_t)name.size);
	if (status == QUIRE_OK)
		status = splice_tensor(in, GRAPH_INITIALIZER, tensor, scope,
				       text, strlen(text));
	free(text);
	return status;
}

static quire_status splice_graph(struct splicer *in, uint32_t as,
				 const struct wire_field *graph);

/* What is left of the walk through one node. */
struct node_walk {
	const struct onnx_node *node;
	bool value_found; /* the tensor of a Constant */
};

static bool is_constant(const struct onnx_node *node)
{
	return strcmp(node->op_type, "Constant") == 0 && !node->domain[0] &&
	       node->output_count > 0 && node->outputs[0][0];
}

/* The tensor of an attribute: that of a Constant, or none of ours. */
static quire_status attribute_tensor(struct splicer *in, struct node_walk *walk,
				     bool is_value,
				     const struct wire_field *tensor)
{
	const struct onnx_node *node = walk->node;

	if (is_value && is_constant(node) && !walk->value_found) {
		walk->value_found = true;
		return splice_tensor(in, ATTRIBUTE_TENSOR, tensor, node->scope,
				     node->outputs[0],
				     strlen(node->outputs[0]));
	}
	copy(in, tensor);
	return check_inline(in, tensor);
}

static quire_status attribute_field(struct splicer *in, struct node_walk *walk,
				    bool is_value,
				    const struct wire_field *field)
{
	if (is_message(field, ATTRIBUTE_TENSOR))
		return attribute_tensor(in, walk, is_value, field);
	if (is_message(field, ATTRIBUTE_GRAPH) ||
	    is_message(field, ATTRIBUTE_GRAPHS))
		return splice_graph(in, (uint32_t)field->number, field);
	copy(in, field);
	if (is_message(field, ATTRIBUTE_TENSORS))
		return check_inline(in, field);
	if (is_message(field, ATTRIBUTE_SPARSE) ||
	    is_message(field, ATTRIBUTE_SPARSES))
		return check_sparse(in, field);
	return QUIRE_OK;
}

static bool is_text(struct splicer *in, const struct wire_field *field,
		    const char *text)
{
	const size_t size = strlen(text);
	const unsigned char *bytes =
	    field->size == size
		? quire_window_peek(&in->window, field->at, size)
		: NULL;

	return bytes && memcmp(bytes, text, size) == 0;
}

static quire_status splice_attribute(struct splicer *in, struct node_walk *walk,
				     const struct wire_field *attribute)
{
	struct wire fields = within(in, attribute);
	const size_t message = quire_segments_open(in->out);
	struct wire_field name = { .size = 0 };
	struct wire_field field;
	uint64_t greatest = 0;
	quire_status status = QUIRE_OK;
	bool is_value;

	last_text(in, attribute, ATTRIBUTE_NAME, &name);
	is_value = is_text(in, &name, "value");
	while (status == QUIRE_OK && quire_wire_next(&fields, &field)) {
		const bool once = is_message(&field, ATTRIBUTE_TENSOR) ||
				  is_message(&field, ATTRIBUTE_GRAPH);

		/* Bodies are counted in this order. */
		if (once && field.number <= greatest)
			return fail_pieces(in, "an attribute");
		if (once || is_message(&field, ATTRIBUTE_GRAPHS))
			greatest = field.number;
		status = attribute_field(in, walk, is_value, &field);
	}
	quire_segments_close(in->out, message, NODE_ATTRIBUTE, attribute);
	return status;
}

static quire_status splice_node(struct splicer *in, uint32_t as,
				const struct wire_field *node)
{
	const struct onnx_model *model = in->splice->model;
	struct wire fields = within(in, node);
	const size_t message = quire_segments_open(in->out);
	struct node_walk walk = { .node = NULL };
	struct wire_field field;
	quire_status status = QUIRE_OK;

	if (in->next_node == model->node_count)
		return fail_pieces(in, "its nodes");
	walk.node = &model->nodes[in->next_node++];
	while (status == QUIRE_OK && quire_wire_next(&fields, &field))
		if (is_message(&field, NODE_ATTRIBUTE))
			status = splice_attribute(in, &walk, &field);
		else
			copy(in, &field);
	quire_segments_close(in->out, message, as, node);
	return status;
}

static quire_status splice_graph(struct splicer *in, uint32_t as,
				 const struct wire_field *graph)
{
	struct wire fields = within(in, graph);
	const size_t message = quire_segments_open(in->out);
	const size_t scope = in->next_scope++;
	struct wire_field field;
	quire_status status = QUIRE_OK;

	while (status == QUIRE_OK && quire_wire_next(&fields, &field))
		if (is_message(&field, GRAPH_NODE)) {
			status = splice_node(in, GRAPH_NODE, &field);
		} else if (is_message(&field, GRAPH_INITIALIZER)) {
			status = splice_initializer(in, scope, &field);
		} else {
			copy(in, &field);
			if (is_message(&field, GRAPH_SPARSE))
				status = check_sparse(in, &field);
		}
	quire_segments_close(in->out, message, as, graph);
	return status;
}

static quire_status splice_function(struct splicer *in,
				    const struct wire_field *function)
{
	struct wire fields = within(in, function);
	const size_t message = quire_segments_open(in->out);
	struct wire_field field;
	quire_status status = QUIRE_OK;

	in->next_scope++;
	while (status == QUIRE_OK && quire_wire_next(&fields, &field))
		if (is_message(&field, FUNCTION_NODE))
			status = splice_node(in, FUNCTION_NODE, &field);
		else
			copy(in, &field);
	quire_segments_close(in->out, message, MODEL_FUNCTIONS, function);
	return status;
}

/* Functions come last, wherever they stood, as their nodes do in the model;
 * the order of different fields means nothing. */
static quire_status splice_model(struct splicer *in)
{
	struct wire fields = quire_wire_all(&in->window);
	struct wire_field field;
	quire_status status = QUIRE_OK;
	size_t graphs = 0;

	while (status == QUIRE_OK && quire_wire_next(&fields, &field))
		if (is_message(&field, MODEL_GRAPH))
			status = graphs++
				     ? fail_pieces(in, "its graph")
				     : splice_graph(in, MODEL_GRAPH, &field);
		else if (!is_message(&field, MODEL_FUNCTIONS))
			copy(in, &field);
	fields = quire_wire_all(&in->window);
	while (status == QUIRE_OK && quire_wire_next(&fields, &field))
		if (is_message(&field, MODEL_FUNCTIONS))
			status = splice_function(in, &field);
	return status;
}

quire_status quire_splice(const struct splice *splice,
			  struct segments *segments, quire_error *error)
{
	struct splicer in = { .splice = splice,
			      .out = segments,
			      .error = error };
	quire_status status;

	segments->own.left = UINT64_MAX;
	quire_window_open(&in.window, splice->model->file, error);
	status = splice_model(&in);
	if (in.window.status != QUIRE_OK)
		return in.window.status;
	if (segments->out_of_memory)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory");
	if (status == QUIRE_OK && (in.next_node != splice->model->node_count ||
				   in.next_scope != splice->model->scope_count))
		status = fail_pieces(&in, "its graphs");
	return status;
}
