/*
 * compare_source.c - reads the constants of a weight and takes single elements
 * out of them. Between a constant and its user there may be nodes that give its
 * numbers again: those come first. Checks each place against the size of its
 * constant. Must not include operators/ and weight/, whose mistakes it must
 * find.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/compare/compare.h"

static bool is_float_type(int64_t type)
{
	return type == ONNX_FLOAT || type == ONNX_FLOAT16 ||
	       type == ONNX_BFLOAT16;
}

bool quire_compare_passes(const struct onnx_node *node)
{
	return quire_onnx_is(node, "Identity") ||
	       quire_onnx_is(node, "Reshape") ||
	       (quire_onnx_is(node, "Cast") &&
		is_float_type(quire_onnx_integer(node, "to", 0)));
}

/* The nodes between an input and a constant, the one at the input first. */
struct chain {
	const struct onnx_node *steps[COMPARE_STEPS_MAX];
	size_t count;
	const struct onnx_value *origin;
};

static void walk(const struct onnx_model *model, const struct onnx_node *node,
		 size_t input, struct chain *chain)
{
	chain->count = 0;
	chain->origin = NULL;
	while (compare_input(node, input)[0]) {
		chain->origin =
		    quire_onnx_find(model, node->scope, node->inputs[input]);
		node = quire_onnx_producer(model, chain->origin);
		if (!node || !quire_compare_passes(node) ||
		    chain->count == COMPARE_STEPS_MAX)
			return;
		chain->steps[chain->count++] = node;
		input = 0;
	}
}

const struct onnx_value *quire_compare_origin(const struct onnx_model *model,
					      const struct onnx_node *node,
					      size_t input)
{
	struct chain chain;

	walk(model, node, input, &chain);
	return chain.origin;
}

const char *quire_compare_bias(const struct onnx_model *model,
			       const struct onnx_node *node, size_t input)
{
	const struct onnx_value *value =
	    quire_compare_origin(model, node, input);

	return value && value->origin == ONNX_CONSTANT && value->rank == 1
		   ? value->name
		   : compare_input(node, input);
}

const struct onnx_node *quire_compare_gather(
    const struct compare_source *source, size_t input)
{
	const struct onnx_node *node = quire_onnx_producer(
	    source->model,
	    quire_compare_origin(source->model, source->holder, input));

	return node && quire_onnx_is(node, "Gather") ? node : NULL;
}

/* ------------------------------------------------------------------ shapes */

static uint64_t product_of(const struct compare_dims *dims)
{
	uint64_t product = 1;

	for (size_t i = 0; i < dims->rank; i++)
		if (!checked_mul(product, dims->sizes[i], &product))
			return 0;
	return product;
}

/* A size of 0 is the old one, and -1 what is left of the elements. */
bool quire_compare_reshape(const struct onnx_model *model,
			   const struct onnx_node *reshape,
			   struct compare_dims *dims)
{
	const struct onnx_value *shape =
	    quire_onnx_find(model, reshape->scope, compare_input(reshape, 1));
	const struct compare_dims old = *dims;
	unsigned char bytes[8 * COMPARE_RANK_MAX];
	size_t open = SIZE_MAX;
	uint64_t known;

	if (!shape || shape->origin != ONNX_CONSTANT || shape->sparse ||
	    shape->type != ONNX_INT64 || shape->count > COMPARE_RANK_MAX ||
	    quire_onnx_read_all(shape, bytes, NULL) != QUIRE_OK)
		return false;
	dims->rank = (size_t)shape->count;
	for (size_t i = 0; i < dims->rank; i++) {
		dims->sizes[i] = load_u64(bytes + 8 * i);
		if (dims->sizes[i] == 0 && i < old.rank &&
		    quire_onnx_integer(reshape, "allowzero", 0) == 0)
			dims->sizes[i] = old.sizes[i];
		if (dims->sizes[i] == UINT64_MAX) {
			open = i;
			dims->sizes[i] = 1;
		}
	}
	known = product_of(dims);
	if (open != SIZE_MAX)
		dims->sizes[open] = known ? product_of(&old) / known : 0;
	return product_of(dims) == product_of(&old);
}

bool quire_compare_dims(const struct onnx_model *model,
			const struct onnx_node *node, size_t input,
			struct compare_dims *dims)
{
	struct chain chain;

	walk(model, node, input, &chain);
	if (!chain.origin || chain.origin->origin != ONNX_CONSTANT ||
	    chain.origin->rank > COMPARE_RANK_MAX)
		return false;
	dims->rank = chain.origin->rank;
	for (size_t i = 0; i < dims->rank; i++)
		dims->sizes[i] = (uint64_t)chain.origin->dims[i];
	while (chain.count-- > 0)
		if (quire_onnx_is(chain.steps[chain.count], "Reshape") &&
		    !quire_compare_reshape(model, chain.steps[chain.count],
					   dims))
			return false;
	return true;
}

/* ------------------------------------------------------------------- casts */

/* The nearer of the two BFLOAT16 around a number; of two equally near ones that
 * whose last bit is 0. */
static float nearest_bf16(float value)
{
	const uint32_t lower = fp32_to_bits(value) & UINT32_C(0xFFFF0000);
	const uint32_t upper = lower + UINT32_C(0x10000);
	const double inner = (double)fp32_from_bits(lower);
	/* Past the largest number comes 2^128, which is infinity. */
	const double outer = isinf(fp32_from_bits(upper))
				 ? copysign(0x1p128, (double)value)
				 : (double)fp32_from_bits(upper);
	const double below = fabs((double)value - inner);
	const double above = fabs(outer - (double)value);

	if (!isfinite(value) || below == 0)
		return value;
	if (below == above)
		return fp32_from_bits(lower & UINT32_C(0x10000) ? upper
								: lower);
	return fp32_from_bits(below < above ? lower : upper);
}

static float cast_to(int64_t type, float value)
{
	if (type == ONNX_FLOAT16)
		return fp16_ieee_to_fp32_value(
		    fp16_ieee_from_fp32_value(value));
	return type == ONNX_BFLOAT16 ? nearest_bf16(value) : value;
}

static bool has_cast(const struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		if (quire_onnx_is(chain->steps[i], "Cast"))
			return true;
	return false;
}

quire_status quire_compare_cast(const struct compare_source *source,
				const struct onnx_node *node, size_t input,
				struct compare_array *array)
{
	const uint64_t count = array->value->count;
	struct chain chain;
	unsigned char *floats;

	walk(source->model, node, input, &chain);
	if (!has_cast(&chain) || !is_float_type(array->type))
		return QUIRE_OK;
	if (count > (SIZE_MAX - 1) / 4)
		return quire_compare_malformed(source, "an input is too large");
	floats = malloc((size_t)count * 4 + 1);
	if (!floats)
		return quire_fail_memory(source->error, count * 4);
	for (uint64_t i = 0; i < count; i++) {
		float value = quire_onnx_float(array->type, array->bytes, i);

		for (size_t at = chain.count; at-- > 0;)
			if (quire_onnx_is(chain.steps[at], "Cast"))
				value = cast_to(quire_onnx_integer(
						    chain.steps[at], "to", 0),
						value);
		store_f32(floats + 4 * i, value);
	}
	free(array->bytes);
	array->bytes = floats;
	array->type = ONNX_FLOAT;
	array->size = count * 4;
	return QUIRE_OK;
}

/* ----------------------------------------------------------- reading a weight
 */

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
