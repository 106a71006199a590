/*
 * tensor_walk.c - copies a model and lets a caller replace its tensors. Knows
 * the messages of ONNX in which a tensor may be, by their field numbers; copies
 * all other fields as they lie.
 */
#include "convert/onnx/wire.h"

/* Graphs within graphs: the limit of onnx_read.c, which refuses deeper ones. */
#define MAX_DEPTH 64

static const struct child {
	enum walk_message in;
	uint64_t field;
	enum walk_message message;
	bool once; /* quire_onnx_open reads it, and it is not repeated */
} children[] = {
	{ WALK_MODEL, 7, WALK_GRAPH, true },
	{ WALK_MODEL, 25, WALK_FUNCTION, false },
	{ WALK_FUNCTION, 7, WALK_NODE, false },
	{ WALK_GRAPH, 1, WALK_NODE, false },
	{ WALK_GRAPH, 5, WALK_TENSOR, false },
	{ WALK_GRAPH, 15, WALK_SPARSE, false },
	{ WALK_NODE, 5, WALK_ATTRIBUTE, false },
	{ WALK_ATTRIBUTE, 5, WALK_TENSOR, true },
	{ WALK_ATTRIBUTE, 6, WALK_GRAPH, true },
	{ WALK_ATTRIBUTE, 10, WALK_UNREAD, false },
	{ WALK_ATTRIBUTE, 11, WALK_GRAPH, false },
	{ WALK_ATTRIBUTE, 22, WALK_SPARSE, false },
	{ WALK_ATTRIBUTE, 23, WALK_SPARSE, false },
	{ WALK_SPARSE, 1, WALK_UNREAD, false },
	{ WALK_SPARSE, 2, WALK_UNREAD, false },
};

#define CHILD_COUNT (sizeof(children) / sizeof(children[0]))

static const struct child *find_child(enum walk_message in,
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

static quire_status walk_fields(struct tensor_walk *walk, struct walk_place in,
				struct wire fields, int depth);

static quire_status walk_message(struct tensor_walk *walk,
				 enum walk_message message,
				 const struct wire_field *field, int depth)
{
	if (message == WALK_TENSOR || message == WALK_UNREAD)
		return walk->tensor(walk, field, message == WALK_TENSOR);

	const struct walk_place in = { message, field->at };
	const size_t opened = quire_segments_open(walk->out);
	const quire_status status =
	    walk_fields(walk, in, quire_wire_within(walk->window, field),
			depth + (message == WALK_GRAPH));

	quire_segments_close(walk->out, opened, (uint32_t)field->number, field);
	return status;
}

static quire_status walk_fields(struct tensor_walk *walk, struct walk_place in,
				struct wire fields, int depth)
{
	struct wire_field field;
	uint32_t seen = 0; /* a bit for each child */
	quire_status status = QUIRE_OK;

	while (status == QUIRE_OK && quire_wire_next(&fields, &field)) {
		const struct child *child = find_child(in.message, &field);

		if (walk->field && walk->field(walk, in, &field))
			continue;
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
	if (status == QUIRE_OK && walk->end)
		walk->end(walk, in);
	return status;
}

quire_status quire_tensor_walk(struct tensor_walk *walk)
{
	const struct walk_place model = { WALK_MODEL, 0 };
	const struct wire all = quire_wire_all(walk->window);

	if (is_well_formed(all))
		return walk_fields(walk, model, all, 0);
	quire_segments_file(walk->out, 0, walk->window->size);
	return QUIRE_OK;
}
