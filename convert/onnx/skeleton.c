/*
 * skeleton.c - makes the skeleton of a model: raw data of 32 bytes or more
 * gives way to its place in the file, and each tensor, node and graph notes the
 * place of its message.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/onnx/onnx_private.h"
#include "convert/onnx/wire.h"

/* Less raw data than this stays in place: the two fields would take as much. */
#define LEAST_RAW 32

/* Memory for the pieces of a model, whatever its size. */
#define SEGMENTS_BASE (UINT64_C(1) << 20)

enum {
	TENSOR_RAW = 9,
	/* Our own, of onnx_subset.proto. */
	TENSOR_RAW_OFFSET = 1000,
	TENSOR_RAW_SIZE = 1001,
	MESSAGE_OFFSET = 1002, /* of a tensor, a node, a graph */
};

static bool is_own(uint64_t number)
{
	return number == TENSOR_RAW_OFFSET || number == TENSOR_RAW_SIZE ||
	       number == MESSAGE_OFFSET;
}

static bool has_offset(struct walk_place in)
{
	return in.message == WALK_NODE || in.message == WALK_GRAPH;
}

/* Leaves out a field of our own that the file has. */
static bool drop_own(struct tensor_walk *walk, struct walk_place in,
		     const struct wire_field *field)
{
	(void)walk;
	return has_offset(in) && field->number == MESSAGE_OFFSET;
}

static void add_offset(struct tensor_walk *walk, struct walk_place in)
{
	if (has_offset(in))
		quire_segments_number(walk->out, MESSAGE_OFFSET, in.at);
}

/* Adds all fields but raw data and our own. Of several raw_data fields the
 * last one counts, as for the unpacker. */
static quire_status strip_tensor(struct tensor_walk *walk,
				 const struct wire_field *tensor, bool is_read)
{
	struct segments *out = walk->out;

	if (!is_read) {
		quire_segments_copy(out, tensor);
		return QUIRE_OK;
	}

	const size_t message = quire_segments_open(out);
	struct wire fields = quire_wire_within(walk->window, tensor);
	struct wire_field raw = { .number = 0 };
	struct wire_field field;

	while (quire_wire_next(&fields, &field))
		if (field.number == TENSOR_RAW && field.type == WIRE_BYTES)
			raw = field;
		else if (!is_own(field.number))
			quire_segments_copy(out, &field);
	if (raw.number && raw.size < LEAST_RAW) {
		quire_segments_copy(out, &raw);
	} else if (raw.number) {
		quire_segments_number(out, TENSOR_RAW_OFFSET, raw.at);
		quire_segments_number(out, TENSOR_RAW_SIZE, raw.size);
	}
	quire_segments_number(out, MESSAGE_OFFSET, tensor->at);
	quire_segments_close(out, message, (uint32_t)tensor->number, NULL);
	return QUIRE_OK;
}

static quire_status flatten(struct window *window,
			    const struct segments *segments,
			    unsigned char **skeleton, size_t *size,
			    quire_error *error)
{
	const uint64_t total = quire_segments_size(segments, 0);
	unsigned char *all = malloc((size_t)total + 1);
	unsigned char *out = all;
	quire_status status = QUIRE_OK;

	if (!all)
		return quire_fail_memory(error, total + 1);
	for (size_t i = 0; i < segments->count && status == QUIRE_OK; i++) {
		const struct segment *segment = &segments->items[i];
		const size_t segment_size = (size_t)segment->size;

		if (segment->kind == SEGMENT_FILE)
			status = quire_window_read(window, segment->offset, out,
						   segment_size);
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
	struct segments segments = { .own = { .left = UINT64_MAX },
				     .limit = SEGMENTS_BASE };
	struct window window;
	struct tensor_walk walk = { .window = &window,
				    .out = &segments,
				    .tensor = strip_tensor,
				    .field = drop_own,
				    .end = add_offset };

	quire_window_open(&window, file, error);

	quire_status status = quire_tensor_walk(&walk);

	if (window.status != QUIRE_OK)
		status = window.status;
	else if (segments.over_limit)
		status = quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				    "it unpacks to far more than its size");
	else if (segments.out_of_memory)
		status = quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				    "out of memory");
	if (status == QUIRE_OK)
		status = flatten(&window, &segments, skeleton, size, error);
	quire_segments_free(&segments);
	return status;
}
