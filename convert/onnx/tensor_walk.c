/*
 * tensor_walk.c - copies a model and lets a caller replace its tensors. Knows
 * the messages of ONNX in which a tensor may be, by their field numbers; copies
 * all other fields as they lie.
 */
#include "convert/onnx/wire.h"

/* Graphs within graphs: the limit of onnx_read.c, which refuses deeper ones. */
#define MAX_DEPTH 64

enum message {
	MESSAGE_MODEL,
	MESSAGE_FUNCTION,
	MESSAGE_GRAPH,
	MESSAGE_NODE,
	MESSAGE_ATTRIBUTE,
	MESSAGE_SPARSE,
	MESSAGE_TENSOR,
	MESSAGE_UNREAD, /* a tensor that quire_onnx_open does not read */
};

static const struct child {
	enum message in;
	uint64_t field;
	enum message message;
	bool once; /* quire_onnx_open reads it, and it is not repeated */
} children[] = {
	{ MESSAGE_MODEL, 7, MESSAGE_GRAPH, true },
	{ MESSAGE_MODEL, 25, MESSAGE_FUNCTION, false },
	{ MESSAGE_FUNCTION, 7, MESSAGE_NODE, false },
	{ MESSAGE_GRAPH, 1, MESSAGE_NODE, false },
	{ MESSAGE_GRAPH, 5, MESSAGE_TENSOR, false },
	{ MESSAGE_GRAPH, 15, MESSAGE_SPARSE, false },
	{ MESSAGE_NODE, 5, MESSAGE_ATTRIBUTE, false },
	{ MESSAGE_ATTRIBUTE, 5, MESSAGE_TENSOR, true },
	{ MESSAGE_ATTRIBUTE, 6, MESSAGE_GRAPH, true },
	{ MESSAGE_ATTRIBUTE, 10, MESSAGE_UNREAD, false },
	{ MESSAGE_ATTRIBUTE, 11, MESSAGE_GRAPH, false },
	{ MESSAGE_ATTRIBUTE, 22, MESSAGE_SPARSE, false },
	{ MESSAGE_ATTRIBUTE, 23, MESSAGE_SPARSE, false },
	{ MESSAGE_SPARSE, 1, MESSAGE_UNREAD, false },
	{ MESSAGE_SPARSE, 2, MESSAGE_UNREAD, false },
};

#define CHILD_COUNT (sizeof(children) / sizeof(children[0]))

static const struct child *find_child(enum message in,
				      const struct wire_field *field)
{
	for (size_t i = 0; i < CHILD_COUNT; i++)
		if (children[i].in == in &&
		    children[i].field == field->number &&
		    field->type == WIRE_BYTES)
			return &children[i];
	return NULL;
}

static bool is_well_formed(struct wire fields)
{
	struct wire_field field;

	while (quire_wire_next(&fields, &field))
		;
	return !fields.malformed;
}

static quire_status walk_fields(struct tensor_walk *walk, enum message in,
				struct wire fields, int depth);

static quire_status walk_message(struct tensor_walk *walk, enum message message,
				 const struct wire_field *field, int depth)
{
	if (message == MESSAGE_TENSOR || message == MESSAGE_UNREAD)
		return walk->tensor(walk, field, message == MESSAGE_TENSOR);

	const size_t opened = quire_segments_open(walk->out);
	const quire_status status =
	    walk_fields(walk, message, quire_wire_within(walk->window, field),
			depth + (message == MESSAGE_GRAPH));

	quire_segments_close(walk->out, opened, (uint32_t)field->number, field);
	return status;
}

static quire_status walk_fields(struct tensor_walk *walk, enum message in,
				struct wire fields, int depth)
{
	struct wire_field field;
	uint32_t seen = 0; /* a bit for each child */
	quire_status status = QUIRE_OK;

	while (status == QUIRE_OK && quire_wire_next(&fields, &field)) {
		const struct child *child = find_child(in, &field);

		if (!child || depth > MAX_DEPTH ||
		    !is_well_formed(quire_wire_within(walk->window, &field))) {
			quire_segments_copy(walk->out, &field);
			continue;
		}

		const uint32_t bit = UINT32_C(1) << (child - children);

		walk->in_pieces |= child->once && (seen & bit);
		seen |= bit;
		status = walk_message(walk, child->message, &field, depth);
	}
	return status;
}

quire_status quire_tensor_walk(struct tensor_walk *walk)
{
	const struct wire all = quire_wire_all(walk->window);

	if (is_well_formed(all))
		return walk_fields(walk, MESSAGE_MODEL, all, 0);
	quire_segments_file(walk->out, 0, walk->window->size);
	return QUIRE_OK;
}
