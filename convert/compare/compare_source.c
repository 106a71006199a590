/*
 * compare_source.c - constants, what stands between them and a node, and their
 * numbers. Every place is checked against what the file has.
 */
#include "convert/compare/compare_source.h"

#include <fp16.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/compare/compare_kinds.h"

quire_status quire_compare_malformed(const struct compare_source *source,
				     const char *what)
{
	return quire_fail(source->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "node '%s' (%s): %s", quire_onnx_label(source->node),
			  source->node->op_type, what);
}

size_t quire_compare_count(const struct onnx_model *model,
			   const struct onnx_node *node)
{
	struct compare_source source = { .model = model, .node = node };
	const struct compare_kind *kind = quire_compare_kind(&source);

	if (!kind)
		return 0;
	/* The last of several may be left out. */
	source.index = kind->count - 1;
	quire_compare_find(&source);
	return kind->count > 1 && !source.arrays[COMPARE_CODES].value
		   ? kind->count - 1
		   : kind->count;
}

bool quire_compare_is_late(const struct onnx_model *model,
			   const struct onnx_node *node)
{
	struct compare_source source = { .model = model, .node = node };
	const struct compare_kind *kind = quire_compare_kind(&source);

	return kind && kind->late;
}

/* The constant of an input: its own, or what a Reshape or a Gather, which move
 * no number within a row, takes. */
static void find_array(const struct compare_source *source, size_t input,
		       struct compare_array *array)
{
	const struct onnx_node *user = source->holder;

	while (input < user->input_count && user->inputs[input][0]) {
		const struct onnx_node *before;

		array->value = quire_onnx_find(source->model, user->scope,
					       user->inputs[input]);
		array->user = user;
		array->input = input;
		before = quire_onnx_producer(source->model, array->value);
		if (!before || user != source->holder ||
		    (!quire_onnx_is(before, "Reshape") &&
		     !quire_onnx_is(before, "Gather")))
			return;
		user = before;
		input = 0;
	}
}

void quire_compare_find(struct compare_source *source)
{
	source->kind = quire_compare_kind(source);
	for (size_t i = 0; source->kind && i < COMPARE_ARRAY_COUNT; i++)
		find_array(source, source->kind->inputs[source->index][i],
			   &source->arrays[i]);
}

/* The dimensions that a Reshape says, with 0 and -1 as they are. */
static quire_status read_shape(struct compare_source *source,
			       const struct onnx_node *reshape)
{
	const struct onnx_value *shape =
	    reshape->input_count > 1
		? quire_onnx_find(source->model, reshape->scope,
				  reshape->inputs[1])
		: NULL;
	unsigned char bytes[8 * COMPARE_RANK_MAX];
	quire_status status;

	if (!shape || shape->origin != ONNX_CONSTANT ||
	    shape->type != ONNX_INT64 || shape->count > COMPARE_RANK_MAX)
		return quire_compare_malformed(source,
					       "a shape is no constant");
	status = quire_onnx_file_acquire(shape->file, source->error);
	if (status != QUIRE_OK)
		return status;
	status = quire_onnx_read(shape, 0, bytes, (size_t)shape->size,
				 source->error);
	quire_onnx_file_release(shape->file);
	source->rank = (size_t)shape->count;
	for (size_t i = 0; status == QUIRE_OK && i < source->rank; i++)
		source->dims[i] = load_u64(bytes + 8 * i);
	return status;
}

/* The dimensions of the codes as the holder sees them. */
static quire_status find_dims(struct compare_source *source)
{
	const struct compare_array *codes = &source->arrays[COMPARE_CODES];
	const struct onnx_value *value = codes->value;
	uint64_t known = 1;
	quire_status status;

	if (value->rank > COMPARE_RANK_MAX)
		return quire_compare_malformed(source, "codes of too many "
						       "dimensions");
	source->rank = value->rank;
	for (size_t i = 0; i < value->rank; i++)
		source->dims[i] = (uint64_t)value->dims[i];
	if (!quire_onnx_is(codes->user, "Reshape"))
		return QUIRE_OK;
	status = read_shape(source, codes->user);
	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < source->rank; i++) {
		if (source->dims[i] == 0 && i < value->rank)
			source->dims[i] = (uint64_t)value->dims[i];
		if (source->dims[i] != UINT64_MAX &&
		    !checked_mul(known, source->dims[i], &known))
			known = 0;
	}
	for (size_t i = 0; i < source->rank; i++)
		if (source->dims[i] == UINT64_MAX)
			source->dims[i] = known ? value->count / known : 0;
	return QUIRE_OK;
}

static quire_status read_array(const struct compare_source *source,
			       struct compare_array *array)
{
	const struct onnx_value *value = array->value;
	quire_status status;

	if (value->sparse || value->size > SIZE_MAX - 1)
		return quire_compare_malformed(source, "an input is sparse");
	array->bytes = malloc((size_t)value->size + 1);
	if (!array->bytes)
		return quire_fail_memory(source->error, value->size);
	status = quire_onnx_file_acquire(value->file, source->error);
	if (status != QUIRE_OK)
		return status;
	status = quire_onnx_read(value, 0, array->bytes, (size_t)value->size,
				 source->error);
	quire_onnx_file_release(value->file);
	return status;
}

static quire_status read_arrays(struct compare_source *source)
{
	for (size_t i = 0; i < COMPARE_ARRAY_COUNT; i++) {
		struct compare_array *array = &source->arrays[i];
		quire_status status;

		if (!array->user && i >= COMPARE_ZEROS)
			continue;
		if (!array->value || array->value->origin != ONNX_CONSTANT)
			return quire_compare_malformed(
			    source, "an input is no constant");
		status = read_array(source, array);
		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

quire_status quire_compare_open(struct compare_source *source)
{
	quire_status status = read_arrays(source);

	if (status == QUIRE_OK)
		status = find_dims(source);
	if (status == QUIRE_OK)
		status = source->kind->measure(source);
	if (status != QUIRE_OK)
		return status;
	if (source->k == 0 || source->n == 0 ||
	    (source->bits != 2 && source->bits != 4 && source->bits != 8))
		return quire_compare_malformed(
		    source, "attributes that the operator does not have");
	return QUIRE_OK;
}

void quire_compare_close(struct compare_source *source)
{
	for (size_t i = 0; i < COMPARE_ARRAY_COUNT; i++)
		free(source->arrays[i].bytes);
}

static uint64_t float_size(int32_t type)
{
	return type == ONNX_FLOAT			       ? 4
	       : type == ONNX_FLOAT16 || type == ONNX_BFLOAT16 ? 2
							       : 0;
}

static bool float_at(const struct compare_array *array, uint64_t index,
		     double *number)
{
	const uint64_t size = float_size(array->value->type);
	const unsigned char *bytes = array->bytes + size * index;

	if (size == 0 || index >= array->value->size / size)
		return false;
	switch (array->value->type) {
	case ONNX_FLOAT:
		*number = (double)load_f32(bytes);
		break;
	case ONNX_FLOAT16:
		*number = (double)fp16_ieee_to_fp32_value(load_u16(bytes));
		break;
	default:
		*number =
		    (double)fp32_from_bits((uint32_t)load_u16(bytes) << 16);
	}
	return true;
}

/* The number at `index` of packed ones, low bits first; of two's complement
 * that plus 2^(bits - 1), as the block types have it. */
static bool packed_at(const struct compare_source *source,
		      const struct compare_array *array, uint64_t index,
		      double *number)
{
	const uint64_t each = 8 / source->bits;
	const unsigned half = 1u << (source->bits - 1);
	unsigned code;

	if (index / each >= array->value->size)
		return false;
	code = array->bytes[index / each];
	code = code >> (index % each * source->bits) & (2 * half - 1);
	*number = (double)(source->is_signed ? code ^ half : code);
	return true;
}

static bool find_element(const struct compare_source *source,
			 const struct compare_place *place,
			 struct compare_element *element)
{
	const struct compare_array *zeros = &source->arrays[COMPARE_ZEROS];

	if (!packed_at(source, &source->arrays[COMPARE_CODES], place->code,
		       &element->code) ||
	    !float_at(&source->arrays[COMPARE_SCALES], place->scale,
		      &element->scale))
		return false;
	element->scale_at = place->scale;
	element->zero = source->around_0 && !source->is_signed
			    ? 0
			    : (double)(1u << (source->bits - 1));
	if (source->codebook) {
		element->code = source->codebook[(size_t)element->code];
		element->zero = 0;
	}
	if (!zeros->value)
		return true;
	return float_size(zeros->value->type)
		   ? float_at(zeros, place->scale, &element->zero)
		   : packed_at(source, zeros, place->zero, &element->zero);
}

quire_status quire_compare_element(const struct compare_source *source,
				   uint64_t row, uint64_t col,
				   struct compare_element *element)
{
	const struct compare_array *order = &source->arrays[COMPARE_ORDER];
	struct compare_place place;
	uint32_t block;

	source->kind->place(source, row, col, &place);
	if (order->value) {
		if (col >= order->value->size / 4)
			return quire_compare_malformed(source,
						       "g_idx is too short");
		block = load_u32(order->bytes + 4 * col);
		if (block >= source->blocks)
			return quire_compare_malformed(
			    source, "g_idx names a block that is not there");
		place.scale += block - col / source->block_size;
		place.zero += block - col / source->block_size;
	}
	if (!find_element(source, &place, element))
		return quire_compare_malformed(
		    source, "an input is smaller than the node says");
	return QUIRE_OK;
}
