/*
 * compare_dequantize.c - DequantizeLinear, read from its documentation: of a
 * matrix that a node multiplies by (compare_product.c finds it), of rows that a
 * Gather takes, or of any other constant. Must not include operators/ or
 * weight/, whose mistakes it must find.
 */
#include <string.h>

#include "convert/compare/compare.h"

#define NONE COMPARE_NO_INPUT

static bool is_integer(const struct onnx_value *value)
{
	return value->type == ONNX_INT8 || value->type == ONNX_UINT8 ||
	       value->type == ONNX_INT4 || value->type == ONNX_UINT4 ||
	       value->type == ONNX_INT2 || value->type == ONNX_UINT2;
}

bool quire_compare_dequantizes(const struct onnx_model *model,
			       const struct onnx_node *node, bool gathered)
{
	const struct onnx_value *value;

	if (!node || strcmp(node->op_type, "DequantizeLinear") != 0)
		return false;
	value = quire_compare_origin(model, node, 0);
	if (gathered) {
		const struct onnx_node *gather =
		    quire_onnx_producer(model, value);

		if (!gather || !quire_onnx_is(gather, "Gather"))
			return false;
		value = quire_compare_origin(model, gather, 0);
	}
	return value && value->origin == ONNX_CONSTANT && is_integer(value);
}

static bool is_dequantized_rows(struct compare_source *source)
{
	source->holder = source->node;
	return quire_compare_dequantizes(source->model, source->node, true);
}

static bool is_dequantized_tensor(struct compare_source *source)
{
	source->holder = source->node;
	return quire_compare_dequantizes(source->model, source->node, false);
}

static uint64_t bits_of(int32_t type)
{
	switch (type) {
	case ONNX_INT8:
	case ONNX_UINT8:
		return 8;
	case ONNX_INT4:
	case ONNX_UINT4:
		return 4;
	default:
		return 2;
	}
}

/* Whether the scales are a vector or a scalar: one of them is one for all. */
static bool has_one_dimension(const struct compare_source *source)
{
	struct compare_dims dims;

	return quire_compare_dims(source->model, source->holder, 1, &dims) &&
	       dims.rank <= 1;
}

/* Whether W has the last two dimensions of x swapped: blocks lie along the last
 * but one, or each index of the last one has a scale. */
static bool is_swapped(const struct compare_source *source)
{
	const size_t along = source->block_size != 0 ? 2 : 1;

	return source->rank >= 2 && source->axis + along == source->rank &&
	       (source->block_size != 0 ||
		source->arrays[COMPARE_SCALES].value->count != 1 ||
		!has_one_dimension(source));
}

/* K and N of the matrix that a node multiplies by. */
static void measure_product(struct compare_source *source)
{
	source->k = source->shape[source->by_rows];
	source->n = source->shape[!source->by_rows];
}

static quire_status measure_dequantize(struct compare_source *source)
{
	const int32_t type = source->arrays[COMPARE_CODES].value->type;
	const int64_t rank = (int64_t)source->rank;
	int64_t axis = quire_onnx_integer(source->holder, "axis", 1);
	const quire_status status = quire_compare_measure_rows(source, 1);

	if (status != QUIRE_OK)
		return status;
	/* After a Gather of rows the axis counts the dimensions of its output.
	 * It is the last one of these, and the last one of the codes. */
	if (quire_compare_gather(source, 0))
		axis = -1;
	axis += axis < 0 ? rank : 0;
	source->bits = bits_of(type);
	source->is_signed =
	    type == ONNX_INT8 || type == ONNX_INT4 || type == ONNX_INT2;
	source->around_0 = true;
	source->block_size = compare_attribute(source->holder, "block_size", 0);
	/* Past the last dimension: the axis does not matter to one scale. */
	source->axis = axis < 0 || axis >= rank ? source->rank : (size_t)axis;
	if (source->is_product)
		measure_product(source);
	else if (source->kind == &quire_compare_kind_dequantized_tensor ||
		 source->kind == &quire_compare_kind_dequantized_matmul)
		source->swapped = is_swapped(source);
	if (source->swapped) {
		source->k = source->dims[source->rank - 2];
		source->n = 1;
		for (size_t i = 0; i < source->rank; i++)
			source->n *=
			    i + 2 == source->rank ? 1 : source->dims[i];
	}
	return QUIRE_OK;
}

/* The number of an element of the weight among the codes. Goes from the product
 * back to the codes: a transposition swaps row and column, and a Reshape moves
 * nothing. */
static uint64_t code_of(const struct compare_source *source, uint64_t row,
			uint64_t col)
{
	const uint64_t last =
	    source->rank > 0 ? source->dims[source->rank - 1] : 1;
	uint64_t at;

	if (source->swapped)
		return (row / last * source->k + col) * last + row % last;
	if (!source->is_product)
		return row * source->k + col;
	at = source->by_rows ? row * source->k + col : col * source->n + row;
	for (size_t i = 0; i < source->turn_count; i++) {
		const uint64_t cols = source->turns[i];

		at = at % cols * (source->k * source->n / cols) + at / cols;
	}
	return at;
}

/* There is one scale; or one for each index along the axis; or the scales have
 * the codes' dimensions with blocks along the axis. */
static void place_dequantize(const struct compare_source *source, uint64_t row,
			     uint64_t col, struct compare_place *place)
{
	const uint64_t at = code_of(source, row, col);

	*place = (struct compare_place){ at, 0, 0 };
	if (source->axis >= source->rank ||
	    (source->block_size == 0 &&
	     source->arrays[COMPARE_SCALES].value->count == 1))
		return;

	uint64_t inner = 1;

	for (size_t i = source->axis + 1; i < source->rank; i++)
		inner *= source->dims[i];

	const uint64_t size = source->dims[source->axis];
	const uint64_t along = at / inner % size;

	place->scale = along;
	if (source->block_size != 0)
		place->scale = (at / inner / size *
				    compare_div_up(size, source->block_size) +
				along / source->block_size) *
				   inner +
			       at % inner;
	place->zero = place->scale;
}

const struct compare_kind quire_compare_kind_dequantized_matmul = {
	.is = quire_compare_is_product,
	.count = 1,
	.inputs = { { 0, 1, 2, NONE } },
	.measure = measure_dequantize,
	.place = place_dequantize,
};

const struct compare_kind quire_compare_kind_dequantized_rows = {
	.is = is_dequantized_rows,
	.count = 1,
	.inputs = { { 0, 1, 2, NONE } },
	.measure = measure_dequantize,
	.place = place_dequantize,
};

const struct compare_kind quire_compare_kind_dequantized_tensor = {
	.is = is_dequantized_tensor,
	.late = true,
	.count = 1,
	.inputs = { { 0, 1, 2, NONE } },
	.measure = measure_dequantize,
	.place = place_dequantize,
};
