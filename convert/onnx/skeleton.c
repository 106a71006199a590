/*
 * skeleton.c - walks every message that may hold a tensor of the model, by a
 * table of ONNX's field numbers. It runs before the model is read and knows
 * messages by kind alone; export/splice.c walks them in the order of the
 * reader, to find the constants of a model that was read. Both parse by wire.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/onnx/onnx_private.h"
#include "convert/onnx/wire.h"

/* Less raw data than this stays in place: the two fields would take as much. */
#define LEAST_RAW 32

/* Graphs within graphs: the limit of onnx_read.c, which refuses deeper ones. */
#define MAX_DEPTH 64

enum {
	TENSOR_RAW = 9,
	TENSOR_RAW_OFFSET = 1000,
	TENSOR_RAW_SIZE = 1001,
};

enum kind {
	KIND_OTHER,
	KIND_MODEL,
	KIND_FUNCTION,
	KIND_GRAPH,
	KIND_NODE,
	KIND_ATTRIBUTE,
	KIND_TENSOR,
};

static const struct child {
	enum kind of;
	uint64_t field;
	enum kind kind;
} children[] = {
	{ KIND_MODEL, 7, KIND_GRAPH },	    { KIND_MODEL, 25, KIND_FUNCTION },
	{ KIND_FUNCTION, 7, KIND_NODE },    { KIND_GRAPH, 1, KIND_NODE },
	{ KIND_GRAPH, 5, KIND_TENSOR },	    { KIND_NODE, 5, KIND_ATTRIBUTE },
	{ KIND_ATTRIBUTE, 5, KIND_TENSOR }, { KIND_ATTRIBUTE, 6, KIND_GRAPH },
	{ KIND_ATTRIBUTE, 11, KIND_GRAPH },
};

static enum kind kind_of(enum kind parent, const struct wire_field *field)
{
	if (field->type == WIRE_BYTES)
		for (size_t i = 0; i < sizeof(children) / sizeof(children[0]);
		     i++)
			if (children[i].of == parent &&
			    children[i].field == field->number)
				return children[i].kind;
	return KIND_OTHER;
}

struct builder {
	struct window window;
	struct segments out;
};

static void copy(struct builder *in, const struct wire_field *field)
{
	quire_segments_copy(&in->out, field);
}

static bool is_well_formed(struct wire fields)
{
	struct wire_field field;

	while (quire_wire_next(&fields, &field))
		;
	return !fields.malformed;
}

/* All fields but raw data. Of several raw_data fields the last one counts, as
 * for the unpacker. */
static void add_tensor_fields(struct builder *in,
			      const struct wire_field *tensor)
{
	struct wire fields = quire_wire_within(&in->window, tensor);
	struct wire_field raw;
	struct wire_field field;
	bool has_raw = false;

	while (quire_wire_next(&fields, &field))
		if (field.number == TENSOR_RAW && field.type == WIRE_BYTES) {
			raw = field;
			has_raw = true;
		} else if (field.number != TENSOR_RAW_OFFSET &&
			   field.number != TENSOR_RAW_SIZE) {
			copy(in, &field);
		}
	if (!has_raw)
		return;
	if (raw.size < LEAST_RAW) {
		copy(in, &raw);
		return;
	}
	quire_segments_number(&in->out, TENSOR_RAW_OFFSET, raw.at);
	quire_segments_number(&in->out, TENSOR_RAW_SIZE, raw.size);
}

static void add_fields(struct builder *in, enum kind kind, struct wire fields,
		       int depth);

static void add_message(struct builder *in, enum kind kind,
			const struct wire_field *message, int depth)
{
	const size_t opened = quire_segments_open(&in->out);

	if (kind == KIND_TENSOR)
		add_tensor_fields(in, message);
	else
		add_fields(in, kind, quire_wire_within(&in->window, message),
			   depth);
	quire_segments_close(&in->out, opened, (uint32_t)message->number,
			     message);
}

static void add_fields(struct builder *in, enum kind kind, struct wire fields,
		       int depth)
{
	struct wire_field field;

	while (quire_wire_next(&fields, &field)) {
		const enum kind child = kind_of(kind, &field);

		if (child == KIND_OTHER || depth > MAX_DEPTH ||
		    !is_well_formed(quire_wire_within(&in->window, &field)))
			copy(in, &field);
		else
			add_message(in, child, &field,
				    depth + (child == KIND_GRAPH));
	}
}

static quire_status flatten(struct builder *in, unsigned char **skeleton,
			    size_t *size, quire_error *error)
{
	const uint64_t total = quire_segments_size(&in->out, 0);
	unsigned char *all = malloc((size_t)total + 1);
	unsigned char *out = all;
	quire_status status = QUIRE_OK;

	if (!all)
		return quire_fail_memory(error, total + 1);
	for (size_t i = 0; i < in->out.count && status == QUIRE_OK; i++) {
		const struct segment *segment = &in->out.items[i];
		const size_t segment_size = (size_t)segment->size;

		if (segment->kind == SEGMENT_FILE)
			status = quire_window_read(&in->window, segment->offset,
						   out, segment_size);
		else if (segment_size > 0)
			memcpy(out, segment->bytes, segment_size);
		out += segment_size;
	}
	if (status != QUIRE_OK) {
		free(all);
		return status;
	}
	*skeleton = all;
	*size = (size_t)total;
	return QUIRE_OK;
}

quire_status quire_skeleton_make(const struct onnx_file *file,
				 unsigned char **skeleton, size_t *size,
				 quire_error *error)
{
	struct builder in = { .out = { .own = { .left = UINT64_MAX } } };
	quire_status status;

	quire_window_open(&in.window, file, error);
	if (is_well_formed(quire_wire_all(&in.window)))
		add_fields(&in, KIND_MODEL, quire_wire_all(&in.window), 0);
	else
		quire_segments_file(&in.out, 0, file->size);
	status = in.window.status;
	if (status == QUIRE_OK)
		status = in.out.out_of_memory
			     ? quire_fail(error, QUIRE_ERROR_MEMORY,
					  QUIRE_NO_OFFSET, "out of memory")
			     : flatten(&in, skeleton, size, error);
	quire_segments_free(&in.out);
	return status;
}
