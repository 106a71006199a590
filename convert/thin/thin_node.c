/*
 * thin_node.c - the bytes of a node of domain quire, and of the container that
 * is its second input: a constant whose external data is the whole file. ONNX
 * Runtime maps it and checks where it lies.
 *
 * A container in several files goes by name, in an attribute: no one constant
 * can be all of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/thin/thin.h"

/* Fields of ONNX's messages, by their numbers. */
enum {
	NODE_INPUT = 1,
	NODE_OUTPUT = 2,
	NODE_OP_TYPE = 4,
	NODE_ATTRIBUTE = 5,
	NODE_DOMAIN = 7,
	NODE_OVERLOAD = 8,
	ATTRIBUTE_NAME = 1,
	ATTRIBUTE_I = 3,
	ATTRIBUTE_S = 4,
	ATTRIBUTE_INTS = 8,
	ATTRIBUTE_TYPE = 20,
	TENSOR_DIMS = 1,
	TENSOR_TYPE = 2,
	TENSOR_NAME = 8,
};

/* AttributeProto.AttributeType. */
enum {
	TYPE_INT = 2,
	TYPE_STRING = 3,
	TYPE_INTS = 7,
};

/* -------------------------------------------------------------- attributes */

static void add_int(struct segments *out, const char *name, uint64_t value)
{
	const size_t attribute = quire_segments_open(out);

	quire_segments_text(out, ATTRIBUTE_NAME, name);
	quire_segments_number(out, ATTRIBUTE_I, value);
	quire_segments_number(out, ATTRIBUTE_TYPE, TYPE_INT);
	quire_segments_close(out, attribute, NODE_ATTRIBUTE, NULL);
}

static void add_text(struct segments *out, const char *name, const char *text)
{
	const size_t attribute = quire_segments_open(out);

	quire_segments_text(out, ATTRIBUTE_NAME, name);
	quire_segments_text(out, ATTRIBUTE_S, text);
	quire_segments_number(out, ATTRIBUTE_TYPE, TYPE_STRING);
	quire_segments_close(out, attribute, NODE_ATTRIBUTE, NULL);
}

/* N of each linear from `number` on. */
static void add_widths(const struct thin_writer *in, struct segments *out,
		       size_t number)
{
	const struct thin_node *nodes = in->thin->nodes;
	const size_t attribute = quire_segments_open(out);

	quire_segments_text(out, ATTRIBUTE_NAME, "N");
	for (; number != SIZE_MAX; number = nodes[number].next)
		quire_segments_number(out, ATTRIBUTE_INTS,
				      nodes[number].linear->n);
	quire_segments_number(out, ATTRIBUTE_TYPE, TYPE_INTS);
	quire_segments_close(out, attribute, NODE_ATTRIBUTE, NULL);
}

/* Names, one on each line, with a NUL; NULL: out of memory. */
static const char *join_names(struct thin_writer *in, size_t number)
{
	const struct thin_node *nodes = in->thin->nodes;
	size_t size = 0;

	for (size_t i = number; i != SIZE_MAX; i = nodes[i].next) {
		const quire_string name = nodes[i].linear->name;

		if (in->names_size < size + name.size + 1) {
			const size_t wanted = 2 * (size + name.size + 1);
			char *names = realloc(in->names, wanted);

			if (!names) {
				in->out_of_memory = true;
				return NULL;
			}
			in->names = names;
			in->names_size = wanted;
		}
		memcpy(in->names + size, name.data, name.size);
		size += name.size;
		in->names[size++] = '\n';
	}
	in->names[size - 1] = '\0';
	return in->names;
}

/* --------------------------------------------------------------- container */

static const char *location_of(const struct thin_writer *in)
{
	return in->thin->locations[0];
}

/* The name in a scope, because a body may not use a name of the graph around
 * it. To be freed; NULL: out of memory. */
static char *name_in(const struct thin_writer *in, size_t scope)
{
	const char *name = in->thin->input_name;
	const size_t size = strlen(name) + 24;
	char *own = malloc(size);

	if (own && scope == 0)
		snprintf(own, size, "%s", name);
	else if (own)
		snprintf(own, size, "%s.%zu", name, scope);
	return own;
}

void quire_thin_add_container(struct thin_writer *in, struct segments *out,
			      size_t scope)
{
	char *name = name_in(in, scope);
	quire_part part = { .path = NULL };

	in->out_of_memory |= !name;
	if (!name)
		return;
	(void)quire_model_part(in->thin->file, 0, &part);
	quire_segments_number(out, TENSOR_DIMS, part.file_size);
	quire_segments_number(out, TENSOR_TYPE, ONNX_UINT8);
	quire_segments_text(out, TENSOR_NAME, name);
	quire_splice_external(out, location_of(in), 0, part.file_size);
	free(name);
}

/* ------------------------------------------------------------------- nodes */

static bool is_replaced(uint64_t field)
{
	return field == NODE_INPUT || field == NODE_OUTPUT ||
	       field == NODE_OP_TYPE || field == NODE_ATTRIBUTE ||
	       field == NODE_DOMAIN || field == NODE_OVERLOAD;
}

static void add_outputs(const struct thin_writer *in, struct segments *out,
			size_t number)
{
	const struct thinning *thin = in->thin;

	for (; number != SIZE_MAX; number = thin->nodes[number].next)
		quire_segments_text(out, NODE_OUTPUT,
				    thin->nodes[number].output);
}

static void add_linear(struct thin_writer *in, struct segments *out,
		       size_t number)
{
	const struct thin_node *node = &in->thin->nodes[number];
	const bool many = node->next != SIZE_MAX;
	const char *names = join_names(in, number);

	if (!names)
		return;
	add_outputs(in, out, number);
	quire_segments_text(out, NODE_OP_TYPE, many ? "LinearMany" : "Linear");
	add_text(out, many ? "linears" : "linear", names);
	add_int(out, "K", node->linear->k);
	if (many)
		add_widths(in, out, number);
	else
		add_int(out, "N", node->linear->n);
	if (node->no_bias)
		add_int(out, "add_bias", 0);
}

static void add_embedding(struct thin_writer *in, struct segments *out,
			  size_t number)
{
	const struct thin_node *node = &in->thin->nodes[number];
	char *name = strndup(node->tensor->name.data, node->tensor->name.size);

	if (!name) {
		in->out_of_memory = true;
		return;
	}
	quire_segments_text(out, NODE_OUTPUT,
			    in->thin->model->nodes[number].outputs[0]);
	quire_segments_text(out, NODE_OP_TYPE, "Embedding");
	add_text(out, "tensor", name);
	add_int(out, "rows", node->rows);
	add_int(out, "K", node->k);
	add_int(out, "dtype", (uint64_t)node->type);
	free(name);
}

/* The container, as an input or by name. */
static void add_container_of(struct thin_writer *in, struct segments *out,
			     size_t scope)
{
	char *name;

	if (in->by_name) {
		add_text(out, "container", location_of(in));
		return;
	}
	name = name_in(in, scope);
	in->out_of_memory |= !name;
	if (name)
		quire_segments_text(out, NODE_INPUT, name);
	free(name);
}

void quire_thin_add_node(struct thin_writer *in, struct tensor_walk *walk,
			 const struct wire_field *old, size_t number)
{
	const struct thin_node *node = &in->thin->nodes[number];
	const size_t scope = in->thin->model->nodes[number].scope;
	struct segments *out = walk->out;
	struct wire fields = quire_wire_within(walk->window, old);
	struct wire_field field;
	size_t message;

	in->has_nodes[scope] = true;
	message = quire_segments_open(out);
	quire_segments_text(out, NODE_INPUT, node->input);
	add_container_of(in, out, scope);
	while (quire_wire_next(&fields, &field))
		if (!is_replaced(field.number))
			quire_segments_copy(out, &field);
	if (node->kind == THIN_EMBEDDING)
		add_embedding(in, out, number);
	else
		add_linear(in, out, number);
	add_text(out, "header_xxh3", in->thin->xxh3);
	quire_segments_text(out, NODE_DOMAIN, QUIRE_THIN_DOMAIN);
	quire_segments_close(out, message, (uint32_t)old->number, NULL);
}
