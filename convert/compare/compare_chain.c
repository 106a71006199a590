/*
 * compare_chain.c - nodes that give the numbers of a constant again, rounded by
 * a Cast or in another shape. Reads them from ONNX's documentation. Must not
 * include operators/ or weight/, whose mistakes it must find.
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
