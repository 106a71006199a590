/*
 * compare_dequantize.c - DequantizeLinear, read from its documentation: of a
 * matrix that a MatMul or Gemm multiplies by, of rows that a Gather takes, or
 * of any other constant. Must not include operators/ or weight/, whose mistakes
 * it must find.
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

/* Whether the node dequantizes a constant, or rows that a Gather takes of one.
 */
static bool dequantizes(const struct compare_source *source,
			const struct onnx_node *node, bool gathered)
{
	if (!node || strcmp(node->op_type, "DequantizeLinear") != 0)
		return false;

	const struct onnx_value *value =
	    quire_onnx_find(source->model, node->scope, compare_input(node, 0));
	const struct onnx_node *before =
	    quire_onnx_producer(source->model, value);

	if (before && quire_onnx_is(before, gathered ? "Gather" : "Reshape"))
		value = quire_onnx_find(source->model, before->scope,
					compare_input(before, 0));
	else if (gathered)
		return false;
	return value && value->origin == ONNX_CONSTANT && is_integer(value);
}

/* Whether a node swaps two dimensions; without `perm` it reverses them all. */
static bool transposes(const struct onnx_node *node)
{
	const struct onnx_attribute *perm = quire_onnx_attribute(node, "perm");

	if (!quire_onnx_is(node, "Transpose"))
		return false;
	return !perm || (perm->is_ints && perm->int_count == 2 &&
			 perm->ints[0] == 1 && perm->ints[1] == 0);
}

/* Finds the node that makes the second factor, through transpositions. */
static bool is_product(struct compare_source *source)
{
	const struct onnx_node *node = source->node;
	const struct onnx_node *at = node;
	size_t input = 1;

	if (!quire_onnx_is(node, "MatMul") && !quire_onnx_is(node, "Gemm"))
		return false;
	source->transposed = quire_onnx_is(node, "MatMul") ||
			     compare_attribute(node, "transB", 0) == 0;
	for (int step = 0; at && step < 8; step++) {
		at = quire_onnx_producer(
		    source->model, quire_onnx_find(source->model, at->scope,
						   compare_input(at, input)));
		if (!at || !transposes(at))
			break;
		source->transposed = !source->transposed;
		input = 0;
	}
	source->holder = at;
	return dequantizes(source, at, false);
}

static bool is_one(const struct onnx_node *node, const char *name)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return !found || (found->is_float && found->f == 1);
}

/* Whether C of a Gemm has one number for each column of the product. */
static bool is_bias(const struct compare_source *source, const char *name)
{
	const struct onnx_value *bias =
	    quire_onnx_find(source->model, source->node->scope, name);
	const struct onnx_value *codes =
	    quire_onnx_find(source->model, source->holder->scope,
			    compare_input(source->holder, 0));

	return bias && bias->origin == ONNX_CONSTANT && !bias->sparse &&
	       (bias->type == ONNX_FLOAT || bias->type == ONNX_FLOAT16 ||
		bias->type == ONNX_BFLOAT16) &&
	       bias->rank == 1 &&
	       (codes->rank != 2 ||
		bias->dims[0] == codes->dims[source->transposed]);
}

static bool is_dequantized_matmul(struct compare_source *source)
{
	const struct onnx_node *node = source->node;

	if (!is_product(source))
		return false;
	source->has_linear = true;
	if (!quire_onnx_is(node, "Gemm"))
		return true;
	source->bias = compare_input(node, 2);
	source->has_linear =
	    is_one(node, "alpha") &&
	    compare_attribute(node, "transA", 0) == 0 &&
	    (!source->bias[0] ||
	     (is_one(node, "beta") && is_bias(source, source->bias)));
	return true;
}

static bool is_dequantized_rows(struct compare_source *source)
{
	source->holder = source->node;
	return dequantizes(source, source->node, true);
}

static bool is_dequantized_tensor(struct compare_source *source)
{
	source->holder = source->node;
	return dequantizes(source, source->node, false);
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
	if (quire_onnx_is(source->arrays[COMPARE_CODES].user, "Gather"))
		axis = -1;
	axis += axis < 0 ? rank : 0;
	if (source->transposed) {
		if (rank != 2)
			return quire_compare_malformed(source,
						       "B is not a matrix");

		const uint64_t swap = source->k;

		source->k = source->n;
		source->n = swap;
	}
	source->bits = bits_of(type);
	source->is_signed =
	    type == ONNX_INT8 || type == ONNX_INT4 || type == ONNX_INT2;
	source->around_0 = true;
	source->block_size = compare_attribute(source->holder, "block_size", 0);
	/* Past the last dimension: the axis does not matter to one scale. */
	source->axis = axis < 0 || axis >= rank ? source->rank : (size_t)axis;
	return QUIRE_OK;
}

/* There is one scale; or one for each index along the axis; or the scales have
 * the codes' dimensions with blocks along the axis. */
static void place_dequantize(const struct compare_source *source, uint64_t row,
			     uint64_t col, struct compare_place *place)
{
	const uint64_t at =
	    source->transposed ? col * source->n + row : row * source->k + col;

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
	.is = is_dequantized_matmul,
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
