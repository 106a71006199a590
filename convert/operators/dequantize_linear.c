/*
 * dequantize_linear.c - finds the DequantizeLinear behind a weight and reads
 * it. Where its scales belong is dequantize_map.c's.
 */
#include <inttypes.h>
#include <string.h>

#include "convert/onnx/onnx.h"
#include "convert/operators/dequantize_map.h"
#include "convert/operators/operators.h"

/* Nodes between a MatMul and its DequantizeLinear; in a malformed model they
 * may run in a circle. */
#define MAX_STEPS 8

enum {
	ROW_AXIS,
	ROW_BLOCK_SIZE
};

static const struct attribute_row attribute_rows[] = {
	[ROW_AXIS] = { "axis", false, 1, -NODE_RANK_MAX, NODE_RANK_MAX - 1 },
	[ROW_BLOCK_SIZE] = { "block_size", false, 0, 0, INT64_C(1) << 31 },
	QUIRE_ANY_ATTRIBUTE("output_dtype"),
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

static const struct input_row input_x = { "x", 0, true };
static const struct input_row input_scale = { "x_scale", 1, true };
static const struct input_row input_zero_point = { "x_zero_point", 2, false };

static bool is_dequantize(const struct onnx_node *node)
{
	return strcmp(node->op_type, "DequantizeLinear") == 0;
}

/* The constant that a Gather takes rows of, as the part's. */
static void ungather(const struct node_check *in, struct node_part *part)
{
	const struct onnx_node *node =
	    quire_onnx_producer(in->model, part->value);
	const struct node_check gather = { in->model, node, NULL };
	const struct input_row data = { part->name, 0, true };
	struct node_part found;

	if (node && quire_onnx_is(node, "Gather") &&
	    quire_onnx_integer(node, "axis", 0) == 0 &&
	    quire_node_part(&gather, &data, &found) == QUIRE_OK &&
	    found.value->origin == ONNX_CONSTANT)
		*part = found;
}

static bool is_quantized_type(int32_t type)
{
	switch (type) {
	case ONNX_INT2:
	case ONNX_UINT2:
	case ONNX_INT4:
	case ONNX_UINT4:
	case ONNX_INT8:
	case ONNX_UINT8:
		return true;
	default:
		return false;
	}
}

/* What a node of that operator makes a value of, or else the value. */
static const struct onnx_value *before(const struct onnx_model *model,
				       const struct onnx_value *value,
				       const char *op_type)
{
	const struct onnx_node *node = quire_onnx_producer(model, value);
	const struct onnx_value *from = NULL;

	if (node && quire_onnx_is(node, op_type) && node->input_count > 0)
		from = quire_onnx_find(model, node->scope, node->inputs[0]);
	return from ? from : value;
}

static const struct onnx_value *find_x(const struct onnx_model *model,
				       const struct onnx_node *node)
{
	return node->input_count > 0
		   ? quire_onnx_find(model, node->scope, node->inputs[0])
		   : NULL;
}

/* Activations are never quantized in blocks or to less than 8 bits. What is
 * wrong with an x that is not there is told by who reads it. */
static bool holds_weight(const struct onnx_model *model,
			 const struct onnx_node *node)
{
	const struct onnx_value *x =
	    before(model, find_x(model, node), "Reshape");

	if (x && x->origin == ONNX_CONSTANT)
		return is_quantized_type(x->type);
	return !x || quire_onnx_integer(node, "block_size", 0) != 0 ||
	       (is_quantized_type(x->type) &&
		quire_onnx_type_bits(x->type) < 8);
}

static bool swaps_two(const struct onnx_node *node)
{
	const struct onnx_attribute *perm = quire_onnx_attribute(node, "perm");

	return !perm || (perm->is_ints && perm->int_count == 2 &&
			 perm->ints[0] == 1 && perm->ints[1] == 0);
}

/* The DequantizeLinear that B of a MatMul or Gemm comes from, or NULL; and
 * whether B is its output or that transposed. */
static const struct onnx_node *find_source(const struct onnx_model *model,
					   const struct onnx_node *node,
					   bool *swapped)
{
	const struct onnx_node *at = node;
	size_t input = 1;

	*swapped = false;
	for (int step = 0; step < MAX_STEPS; step++) {
		if (input >= at->input_count)
			return NULL;
		at = quire_onnx_producer(
		    model,
		    quire_onnx_find(model, at->scope, at->inputs[input]));
		if (!at || is_dequantize(at))
			return at;
		if (!quire_onnx_is(at, "Transpose") || !swaps_two(at))
			return NULL;
		*swapped = !*swapped;
		input = 0;
	}
	return NULL;
}

static bool is_linear(const struct onnx_model *model,
		      const struct onnx_node *node)
{
	const struct onnx_node *source;
	bool swapped;

	if (!quire_onnx_is(node, "MatMul") && !quire_onnx_is(node, "Gemm"))
		return false;
	source = find_source(model, node, &swapped);
	return source && holds_weight(model, source);
}

static bool is_rows(const struct onnx_model *model,
		    const struct onnx_node *node)
{
	const struct onnx_value *x = find_x(model, node);
	const struct onnx_value *rows = before(model, x, "Gather");

	return is_dequantize(node) && rows != x &&
	       rows->origin == ONNX_CONSTANT && is_quantized_type(rows->type);
}

static bool is_tensor(const struct onnx_model *model,
		      const struct onnx_node *node)
{
	return is_dequantize(node) && holds_weight(model, node);
}

static quire_status read_attributes(struct dequantize *in)
{
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status = quire_node_attributes(&in->node, attribute_rows,
						    ATTRIBUTE_COUNT, values);

	if (status != QUIRE_OK)
		return status;
	in->axis = values[ROW_AXIS];
	in->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	return QUIRE_OK;
}

/* A part that is a constant, maybe through the Gather. */
static quire_status read_part(struct dequantize *in,
			      const struct input_row *row, size_t use,
			      struct node_part *part)
{
	quire_status status = quire_node_part(&in->node, row, part);

	if (status == QUIRE_OK && part->value && in->gathered)
		ungather(&in->node, part);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, part);
	if (status == QUIRE_OK && part->value)
		in->weight->uses[use] = part->use;
	return status;
}

static quire_status read_x(struct dequantize *in)
{
	struct weight *weight = in->weight;
	struct node_part *x = &in->x;
	const bool linear = !weight->no_linear;
	quire_status status = read_part(in, &input_x, 0, x);
	uint64_t last;

	if (status == QUIRE_OK)
		status = quire_node_type(&in->node, x,
					 is_quantized_type(x->value->type),
					 "an integer of 2, 4 or 8 bits");
	if (status != QUIRE_OK)
		return status;
	if (x->value->count == 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "x, '%s', has no elements",
				       x->value->name);
	if (x->rank < 1 || x->rank > NODE_RANK_MAX ||
	    ((linear || in->gathered) && x->rank != 2))
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "x, '%s', is no matrix", x->value->name);
	weight->codes = x->value;
	weight->bits = quire_onnx_type_bits(x->value->type);
	weight->is_signed = x->value->type == ONNX_INT2 ||
			    x->value->type == ONNX_INT4 ||
			    x->value->type == ONNX_INT8;
	weight->zero_is_0 = true;
	last = (uint64_t)x->dims[x->rank - 1];
	weight->k = last;
	quire_node_outer(x, weight);
	if (in->transposed) {
		weight->k = weight->n;
		weight->n = weight->outer[0] = last;
	}
	weight->code_row_size = (size_t)((weight->k * weight->bits + 7) / 8);
	weight->code_map = (struct element_map){
		.group = weight->n,
		.row_step = in->transposed ? 1 : weight->k,
		.col_step = in->transposed ? weight->n : 1,
		.share = 1,
	};
	return QUIRE_OK;
}

static quire_status read_scale(struct dequantize *in)
{
	struct weight *weight = in->weight;
	quire_status status = read_part(in, &input_scale, 1, &in->scale);

	if (status == QUIRE_OK)
		status = quire_node_type(
		    &in->node, &in->scale,
		    quire_onnx_is_float(in->scale.value->type), "a float type");
	if (status == QUIRE_OK)
		status = quire_dequantize_map(in);
	if (status != QUIRE_OK)
		return status;
	weight->scales = in->scale.value;
	weight->scale_row_size = (size_t)weight->blocks *
				 quire_onnx_type_bits(weight->scales->type) / 8;
	return QUIRE_OK;
}

static quire_status read_zero_point(struct dequantize *in)
{
	struct weight *weight = in->weight;
	struct node_part *zero = &in->zero;
	quire_status status = read_part(in, &input_zero_point, 2, zero);
	bool same;

	if (status != QUIRE_OK || !zero->value)
		return status;
	status = quire_node_type(&in->node, zero,
				 zero->value->type == in->x.value->type,
				 "of the type of x");
	if (status != QUIRE_OK)
		return status;
	same = zero->rank == in->scale.rank;
	for (size_t i = 0; same && i < zero->rank; i++)
		same = zero->dims[i] == in->scale.dims[i];
	/* One alone has as many dimensions as it likes. */
	if (!same && !(zero->value->count == 1 && in->scale.value->count == 1))
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "x_zero_point does not have the shape "
				       "of x_scale");
	weight->zero_points = zero->value;
	weight->zero_map = weight->scale_map;
	weight->zero_row_size =
	    (size_t)((weight->blocks * weight->bits + 7) / 8);
	return QUIRE_OK;
}

static quire_status read_weight(struct dequantize *in)
{
	static quire_status (*const steps[])(struct dequantize *) = {
		read_attributes, read_x, read_scale, read_zero_point
	};
	quire_status status = QUIRE_OK;

	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == QUIRE_OK; i++)
		status = steps[i](in);
	return status;
}

static bool is_one(const struct onnx_node *node, const char *name)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return !found || (found->is_float && found->f == 1);
}

/* What of a Gemm is no y = x W^T + bias, or NULL; finds the bias. */
static const char *check_gemm(const struct onnx_model *model,
			      struct weight *weight)
{
	const struct onnx_node *node = weight->node;
	const struct onnx_value *c = NULL;

	if (!is_one(node, "alpha"))
		return "alpha of the Gemm is not 1: a tensor without a linear";
	if (quire_onnx_integer(node, "transA", 0) != 0)
		return "transA of the Gemm is not 0: a tensor without a linear";
	if (node->input_count < 3 || node->inputs[2][0] == '\0')
		return NULL;
	c = quire_onnx_find(model, node->scope, node->inputs[2]);
	if (!is_one(node, "beta") || !c || c->origin != ONNX_CONSTANT ||
	    c->sparse || !quire_onnx_is_float(c->type) || c->rank != 1 ||
	    c->count != weight->n)
		return "C of the Gemm is no bias: a tensor without a linear";
	weight->bias = c;
	return NULL;
}

static quire_status read_linear(const struct onnx_model *model,
				const struct onnx_node *node, size_t index,
				struct weight *weight, quire_error *error)
{
	const bool gemm = quire_onnx_is(node, "Gemm");
	struct weight read = { .node = node };
	struct dequantize in = { .weight = &read };
	bool swapped;
	quire_status status;

	(void)index;
	in.node =
	    (struct node_check){ model, find_source(model, node, &swapped),
				 error };
	if (gemm && quire_onnx_integer(node, "transB", 0) != 0)
		swapped = !swapped;
	/* B is [K, N], and W has a row for each of N. */
	in.transposed = !swapped;
	status = read_weight(&in);
	if (status != QUIRE_OK)
		return status;
	if (gemm)
		read.note = check_gemm(model, &read);
	read.no_linear = read.note != NULL;
	*weight = read;
	return QUIRE_OK;
}

static quire_status read_rows(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	struct weight read = { .node = node, .no_linear = true };
	struct dequantize in = { .node = { model, node, error },
				 .weight = &read,
				 .gathered = true };
	quire_status status;

	(void)index;
	status = read_weight(&in);
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

static quire_status read_tensor(const struct onnx_model *model,
				const struct onnx_node *node, size_t index,
				struct weight *weight, quire_error *error)
{
	struct weight read = { .node = node,
			       .no_linear = true,
			       .no_padding = true };
	struct dequantize in = { .node = { model, node, error },
				 .weight = &read };
	quire_status status;

	(void)index;
	status = read_weight(&in);
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

const struct weight_operator quire_operator_dequantized_linear = {
	.is = is_linear,
	.read = read_linear,
};

const struct weight_operator quire_operator_dequantized_rows = {
	.is = is_rows,
	.read = read_rows,
};

const struct weight_operator quire_operator_dequantized_tensor = {
	.is = is_tensor,
	.read = read_tensor,
	.late = true,
};
