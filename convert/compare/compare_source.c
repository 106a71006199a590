/*
 * compare_source.c - reads the constants of a weight and takes single elements
 * out of them. Checks each place against the size of its constant. Must not
 * include weight/, whose mistakes it must find.
 */
#include <fp16.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/compare/compare.h"

quire_status quire_compare_malformed(const struct compare_source *source,
				     const char *what)
{
	return quire_fail(source->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "node '%s' (%s): %s", quire_onnx_label(source->node),
			  source->node->op_type, what);
}

/* Finds the dimensions of the codes as the holder has them. A Gather of rows
 * has those of its data. */
static quire_status find_dims(struct compare_source *source)
{
	const struct compare_array *codes = &source->arrays[COMPARE_CODES];
	const size_t *inputs = source->kind->inputs[source->index];
	const struct onnx_node *node = source->holder;
	size_t input = inputs[COMPARE_CODES];
	struct compare_dims dims;

	if (quire_compare_gather(source, input)) {
		node = quire_compare_gather(source, input);
		input = 0;
	}
	if (codes->value->rank > COMPARE_RANK_MAX)
		return quire_compare_malformed(source, "codes of too many "
						       "dimensions");
	if (!quire_compare_dims(source->model, node, input, &dims))
		return quire_compare_malformed(source,
					       "a shape is not a constant");
	source->rank = dims.rank;
	memcpy(source->dims, dims.sizes, sizeof(source->dims));
	return QUIRE_OK;
}

static quire_status read_array(const struct compare_source *source,
			       struct compare_array *array)
{
	const struct onnx_value *value = array->value;

	if (value->sparse || value->size > SIZE_MAX - 1)
		return quire_compare_malformed(source, "an input is sparse");
	array->bytes = malloc((size_t)value->size + 1);
	if (!array->bytes)
		return quire_fail_memory(source->error, value->size);
	array->type = value->type;
	array->size = value->size;
	return quire_onnx_read_all(value, array->bytes, source->error);
}

static quire_status read_arrays(struct compare_source *source)
{
	for (size_t i = 0; i < COMPARE_ARRAY_COUNT; i++) {
		struct compare_array *array = &source->arrays[i];
		const struct compare_user user = quire_compare_user(source, i);

		if (!array->user && i >= COMPARE_ZEROS)
			continue;
		if (!array->value || array->value->origin != ONNX_CONSTANT)
			return quire_compare_malformed(
			    source, "an input is not a constant");

		quire_status status = read_array(source, array);

		if (status == QUIRE_OK)
			status = quire_compare_cast(source, user.node,
						    user.input, array);
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
	const uint64_t size = float_size(array->type);
	const unsigned char *bytes = array->bytes + size * index;

	if (size == 0 || index >= array->size / size)
		return false;
	switch (array->type) {
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

/* The number at `index` of packed numbers, low bits first. Adds 2^(bits - 1) to
 * two's complement, because the block types do. */
static bool packed_at(const struct compare_source *source,
		      const struct compare_array *array, uint64_t index,
		      double *number)
{
	const uint64_t each = 8 / source->bits;
	const unsigned half = 1u << (source->bits - 1);

	if (index / each >= array->size)
		return false;

	const unsigned byte = array->bytes[index / each];
	const unsigned code =
	    byte >> (index % each * source->bits) & (2 * half - 1);

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
	return float_size(zeros->type)
		   ? float_at(zeros, place->scale, &element->zero)
		   : packed_at(source, zeros, place->zero, &element->zero);
}

quire_status quire_compare_element(const struct compare_source *source,
				   uint64_t row, uint64_t col,
				   struct compare_element *element)
{
	const struct compare_array *order = &source->arrays[COMPARE_ORDER];
	struct compare_place place;

	source->kind->place(source, row, col, &place);
	if (order->value) {
		if (col >= order->value->size / 4)
			return quire_compare_malformed(source,
						       "g_idx is too short");

		const uint32_t block = load_u32(order->bytes + 4 * col);

		if (block >= source->blocks)
			return quire_compare_malformed(
			    source, "g_idx names a block that does not exist");
		place.scale += block - col / source->block_size;
		place.zero += block - col / source->block_size;
	}
	if (!find_element(source, &place, element))
		return quire_compare_malformed(
		    source, "an input is smaller than the node says");
	return QUIRE_OK;
}
