/*
 * splice.c - copies a model with other data in some tensors. The walk of onnx/
 * finds the tensors; one is a value of the model if quire_onnx_open has read it
 * from the same place in the file. Does not know what the new data is.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/table.h"
#include "convert/onnx/splice.h"

enum {
	TENSOR_RAW = 9,
	TENSOR_EXTERNAL = 13,
	TENSOR_PLACE = 14,
	PAIR_KEY = 1,
	PAIR_VALUE = 2,
};

#define PLACE_EXTERNAL 1

struct splicer {
	const struct splice *splice;
	struct table numbers; /* place of a tensor's message to its value */
	size_t replaced;
	quire_error *error;
};

/* Whether a tensor says that its data is in another file. */
static bool is_external(struct tensor_walk *walk,
			const struct wire_field *tensor)
{
	struct wire fields = quire_wire_within(walk->window, tensor);
	struct wire_field field;
	bool external = false;

	while (quire_wire_next(&fields, &field))
		if (field.number == TENSOR_PLACE && field.type == WIRE_VARINT)
			external = field.value == PLACE_EXTERNAL;
	return external;
}

/* Whether a field of a tensor holds data or says where it is. */
static bool holds_data(const struct wire_field *field)
{
	/* Fields 4 to 7: float, int32, string and int64 data; 9 to 11: raw,
	 * double and uint64 data; 13, 14: external data and its place. */
	static const uint32_t data_fields = 0xF0 | 0xE00 | 0x6000;

	return field->number < 32 && (data_fields >> field->number & 1);
}

static void add_pair(struct segments *out, const char *key, const char *value)
{
	const size_t pair = quire_segments_open(out);

	quire_segments_text(out, PAIR_KEY, key);
	quire_segments_text(out, PAIR_VALUE, value);
	quire_segments_close(out, pair, TENSOR_EXTERNAL, NULL);
}

static void add_number_pair(struct segments *out, const char *key,
			    uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	add_pair(out, key, digits);
}

void quire_splice_external(struct segments *out, const char *location,
			   uint64_t offset, uint64_t size)
{
	add_pair(out, "location", location);
	add_number_pair(out, "offset", offset);
	add_number_pair(out, "length", size);
	quire_segments_number(out, TENSOR_PLACE, PLACE_EXTERNAL);
}

/* Adds a tensor with the data of value `number` in place of its own. */
static void add_tensor(struct tensor_walk *walk,
		       const struct wire_field *tensor, size_t number)
{
	const struct splicer *in = walk->context;
	const struct splice_data *data = &in->splice->data[number];
	const uint64_t size = in->splice->model->values[number].size;
	struct segments *out = walk->out;
	struct wire fields = quire_wire_within(walk->window, tensor);
	const size_t message = quire_segments_open(out);
	struct wire_field field;

	while (quire_wire_next(&fields, &field))
		if (!holds_data(&field))
			quire_segments_copy(out, &field);
	if (data->place == SPLICE_INLINE)
		quire_segments_data(out, TENSOR_RAW, number, size);
	else
		quire_splice_external(out, data->location, data->offset, size);
	quire_segments_close(out, message, (uint32_t)tensor->number, NULL);
}

static quire_status splice_tensor(struct tensor_walk *walk,
				  const struct wire_field *tensor, bool is_read)
{
	struct splicer *in = walk->context;
	const size_t *number =
	    is_read ? quire_table_find(&in->numbers, 0, &tensor->at,
				       sizeof(tensor->at))
		    : NULL;

	if (number) {
		if (in->splice->data[*number].place != SPLICE_DROP)
			add_tensor(walk, tensor, *number);
		in->replaced++;
		return QUIRE_OK;
	}
	quire_segments_copy(walk->out, tensor);
	if (!is_external(walk, tensor))
		return QUIRE_OK;
	return quire_fail(in->error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "external data of a tensor that is neither an "
			  "initializer nor a Constant is not supported");
}

static bool pass_field(struct tensor_walk *walk, struct walk_place in,
		       const struct wire_field *field)
{
	const struct splicer *splicer = walk->context;
	const struct splice *splice = splicer->splice;

	return splice->field && splice->field(splice->context, walk, in, field);
}

static void pass_end(struct tensor_walk *walk, struct walk_place in)
{
	const struct splicer *splicer = walk->context;
	const struct splice *splice = splicer->splice;

	if (splice->end)
		splice->end(splice->context, walk, in);
}

/* Indexes the values to replace by the places of their messages. */
static quire_status index_values(struct splicer *in)
{
	const struct onnx_model *model = in->splice->model;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < model->value_count && status == QUIRE_OK; i++) {
		const uint64_t *place = &model->values[i].message_offset;

		if (in->splice->data[i].place != SPLICE_KEEP)
			status = quire_table_add(&in->numbers, 0, place,
						 sizeof(*place), i, in->error);
	}
	return status;
}

quire_status quire_splice(const struct splice *splice,
			  struct segments *segments, quire_error *error)
{
	struct splicer in = { .splice = splice, .error = error };
	struct window window;
	struct tensor_walk walk = { .window = &window,
				    .out = segments,
				    .tensor = splice_tensor,
				    .field = pass_field,
				    .end = pass_end,
				    .context = &in };
	quire_status status = index_values(&in);

	segments->own.left = UINT64_MAX;
	quire_window_open(&window, splice->model->file, error);
	if (status == QUIRE_OK)
		status = quire_tensor_walk(&walk);
	if (window.status != QUIRE_OK)
		status = window.status;
	else if (segments->out_of_memory)
		status = quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				    "out of memory");
	else if (status == QUIRE_OK &&
		 (walk.in_pieces || in.replaced != in.numbers.index.count))
		status = quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				    "the model gives a graph or an attribute "
				    "in several pieces");
	quire_table_free(&in.numbers);
	return status;
}
