/*
 * dequantize_linear.c - constants that a DequantizeLinear turns into floats:
 * rows that a Gather before it has looked up, or any other tensor. It means
 * (code - zero) * scale, where an absent zero point is 0. There is one scale,
 * or one for each index along `axis`, or one for each block_size of them.
 */
#include <inttypes.h>
#include <string.h>

#include "convert/operators/dequantize.h"

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

/* A DequantizeLinear while it is read. */
struct dequantize {
	struct node_check node;
	struct weight *weight;
	enum dequantize_form form;
	int64_t axis;
	uint64_t block_size; /* 0: none */
	struct node_operand x;
	struct node_operand scale;
	struct node_operand zero;
};

bool quire_dequantize_is(const struct onnx_node *node)
{
	return strcmp(node->op_type, "DequantizeLinear") == 0;
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

/* The first input of the node of that operator that computes a value, or else
 * the value. */
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

/* Activations are never quantized in blocks or to less than 8 bits. An x that
 * does not exist passes: reading it reports what is wrong. */
bool quire_dequantize_holds_weight(const struct onnx_model *model,
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

/* Where a Gather takes rows of a constant: that constant. */
static void ungather(const struct node_check *in, struct node_operand *operand)
{
	const struct onnx_node *node =
	    quire_onnx_producer(in->model, operand->value);
	const struct node_check gather = { in->model, node, NULL };
	const struct input_row data = { operand->name, 0, true };
	struct node_operand found;

	if (node && quire_onnx_is(node, "Gather") &&
	    quire_onnx_integer(node, "axis", 0) == 0 &&
	    quire_node_operand(&gather, &data, &found) == QUIRE_OK &&
	    found.value->origin == ONNX_CONSTANT)
		*operand = found;
}

/* An operand that is a constant, itself or before the Gather. */
static quire_status read_operand(struct dequantize *in,
				 const struct input_row *row, size_t use,
				 struct node_operand *operand)
{
	quire_status status = quire_node_operand(&in->node, row, operand);

	if (status == QUIRE_OK && operand->value &&
	    in->form == DEQUANTIZE_GATHERED)
		ungather(&in->node, operand);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, operand);
	if (status == QUIRE_OK && operand->value)
		in->weight->uses[use] = operand->use;
	return status;
}

static quire_status check_x(const struct dequantize *in)
{
	const struct node_operand *x = &in->x;
	const bool matrix = in->form != DEQUANTIZE_TENSOR;
	quire_status status =
	    quire_node_type(&in->node, x, is_quantized_type(x->value->type),
			    "an integer of 2, 4 or 8 bits");

	if (status != QUIRE_OK)
		return status;
	if (x->value->count == 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "x, '%s', has no elements",
				       x->value->name);
	if (x->rank < 1 || x->rank > NODE_RANK_MAX || (matrix && x->rank != 2))
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "x, '%s', is not a matrix",
				       x->value->name);
	return QUIRE_OK;
}

static bool is_signed(int32_t type)
{
	return type == ONNX_INT2 || type == ONNX_INT4 || type == ONNX_INT8;
}

static quire_status read_x(struct dequantize *in)
{
	struct weight_value *value = &in->weight->value;
	struct weight_storage *storage = &in->weight->storage;
	const struct node_operand *x = &in->x;
	const bool transposed = in->form == DEQUANTIZE_TRANSPOSED;
	quire_status status = read_operand(in, &input_x, WEIGHT_CODES, &in->x);

	if (status == QUIRE_OK)
		status = check_x(in);
	if (status != QUIRE_OK)
		return status;
	value->bits = quire_onnx_type_bits(x->value->type);
	if (is_signed(x->value->type))
		storage->sign_bit = middle_code(value->bits);
	value->zero_point = (size_t)storage->sign_bit;
	value->k = (uint64_t)x->dims[x->rank - 1];
	quire_node_outer(x, value);
	if (transposed) {
		const uint64_t n = value->k;

		value->k = value->n;
		quire_node_matrix(n, value);
	}
	storage->codes = (struct weight_constant){
		.value = x->value,
		.row_size = packed_size(value->k, value->bits),
		.order = { .group = value->n,
			   .row_step = transposed ? 1 : value->k,
			   .col_step = transposed ? value->n : 1,
			   .share = 1 },
	};
	return QUIRE_OK;
}

/* One scale for all. */
static void order_whole(struct dequantize *in)
{
	struct weight_value *value = &in->weight->value;

	value->block_size = value->k;
	value->blocks = 1;
	in->weight->storage.scales.order =
	    (struct element_order){ .group = value->n, .share = 1 };
}

/* Scales for each `size` indices of x along the axis: which of them belongs to
 * (row, col) of W, for an x of [rows, cols], or of more dimensions with the
 * first or last axis. */
static void order_axis(struct dequantize *in, uint64_t size, uint64_t count)
{
	struct weight_value *value = &in->weight->value;
	struct element_order *order = &in->weight->storage.scales.order;
	const bool transposed = in->form == DEQUANTIZE_TRANSPOSED;
	const bool first = in->axis == 0 && in->x.rank > 1;
	const bool whole = in->block_size == 0; /* one scale for each index */

	order->group = value->n;
	order->share = 1;
	if (first != transposed) {
		/* The axis numbers rows of W: one scale for each row, or one
		 * for each column of `size` rows. */
		const uint64_t inner =
		    in->x.rank == 2 ? 1 : value->n / (uint64_t)in->x.dims[0];

		value->block_size = whole ? value->k : 1;
		value->blocks = whole ? 1 : value->k;
		order->group = whole ? inner : size;
		order->group_step = whole || transposed ? 1 : value->k;
		order->col_step = whole ? 0 : transposed ? count : 1;
		return;
	}
	value->block_size = size;
	value->blocks = count;
	order->row_step = whole ? 0 : transposed ? 1 : count;
	order->col_step = whole || !transposed ? 1 : value->n;
}

/* Whether scales in blocks have the shape of x but along the axis. */
static bool has_block_shape(const struct dequantize *in, uint64_t count)
{
	const struct node_operand *scale = &in->scale;

	if (scale->rank != in->x.rank)
		return false;
	for (size_t i = 0; i < scale->rank; i++)
		if ((uint64_t)scale->dims[i] !=
		    (i == (size_t)in->axis ? count : (uint64_t)in->x.dims[i]))
			return false;
	return true;
}

static quire_status fail_scales(const struct dequantize *in, uint64_t count)
{
	return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
			       "x_scale does not have the shape that x, axis "
			       "and block_size make: %" PRIu64
			       " along axis %" PRId64,
			       count, in->axis);
}

/* Sets blocks and the order of scales. All but `zero` is read. */
static quire_status order_scales(struct dequantize *in)
{
	const bool blocked = in->block_size != 0;
	const int64_t rank = (int64_t)in->x.rank;
	const uint64_t size = blocked ? in->block_size : 1;
	uint64_t count;

	if (!blocked && in->scale.value->count == 1 && in->scale.rank <= 1) {
		order_whole(in);
		return QUIRE_OK;
	}
	if (in->axis < -rank || in->axis >= rank)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "axis is %" PRId64 "; x has %" PRId64
				       " dimensions",
				       in->axis, rank);
	in->axis += in->axis < 0 ? rank : 0;
	count = ((uint64_t)in->x.dims[in->axis] - 1) / size + 1;
	if (blocked ? !has_block_shape(in, count)
		    : in->scale.rank != 1 || in->scale.value->count != count)
		return fail_scales(in, count);
	if (in->axis != rank - 1 && (in->axis != 0 || (blocked && rank != 2)))
		return quire_node_fail(
		    &in->node, QUIRE_ERROR_UNSUPPORTED,
		    "axis is %" PRId64 " of %" PRId64
		    "; only the first and last are supported",
		    in->axis, rank);
	order_axis(in, size, count);
	return QUIRE_OK;
}

static quire_status read_scale(struct dequantize *in)
{
	struct weight_constant *scales = &in->weight->storage.scales;
	quire_status status =
	    read_operand(in, &input_scale, WEIGHT_SCALES, &in->scale);
	int32_t type;

	if (status != QUIRE_OK)
		return status;
	type = in->scale.value->type;
	status = quire_node_type(&in->node, &in->scale,
				 quire_onnx_is_float(type), "a float type");
	if (status == QUIRE_OK)
		status = order_scales(in);
	if (status != QUIRE_OK)
		return status;
	scales->value = in->scale.value;
	scales->row_size =
	    (size_t)in->weight->value.blocks * quire_onnx_type_bits(type) / 8;
	return QUIRE_OK;
}

static quire_status read_zero_point(struct dequantize *in)
{
	const struct weight_value *value = &in->weight->value;
	struct weight_storage *storage = &in->weight->storage;
	const struct node_operand *zero = &in->zero;
	quire_status status =
	    read_operand(in, &input_zero_point, WEIGHT_ZERO_POINTS, &in->zero);
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
	/* A single scale may have any number of dimensions. */
	if (!same && !(zero->value->count == 1 && in->scale.value->count == 1))
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "x_zero_point does not have the shape "
				       "of x_scale");
	storage->zero_points = (struct weight_constant){
		.value = zero->value,
		.row_size = packed_size(value->blocks, value->bits),
		.order = storage->scales.order,
	};
	return QUIRE_OK;
}

quire_status quire_dequantize_read(const struct node_check *node,
				   enum dequantize_form form,
				   struct weight *weight)
{
	static quire_status (*const steps[])(struct dequantize *) = {
		read_attributes, read_x, read_scale, read_zero_point
	};
	struct dequantize in = { .node = *node,
				 .weight = weight,
				 .form = form };
	quire_status status = QUIRE_OK;

	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == QUIRE_OK; i++)
		status = steps[i](&in);
	return status;
}

/* --------------------------------------------------------------- operators */

static bool is_rows(const struct onnx_model *model,
		    const struct onnx_node *node)
{
	const struct onnx_value *x = find_x(model, node);
	const struct onnx_value *rows = before(model, x, "Gather");

	return quire_dequantize_is(node) && rows != x &&
	       rows->origin == ONNX_CONSTANT && is_quantized_type(rows->type);
}

static quire_status read_rows(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	const struct node_check in = { model, node, error };
	struct weight read = { .node = node, .intent = { .no_linear = true } };
	const quire_status status =
	    quire_dequantize_read(&in, DEQUANTIZE_GATHERED, &read);

	(void)index;
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

const struct weight_operator quire_operator_dequantized_rows = {
	.is = is_rows,
	.read = read_rows,
};

static bool is_tensor(const struct onnx_model *model,
		      const struct onnx_node *node)
{
	return quire_dequantize_is(node) &&
	       quire_dequantize_holds_weight(model, node);
}

static quire_status read_tensor(const struct onnx_model *model,
				const struct onnx_node *node, size_t index,
				struct weight *weight, quire_error *error)
{
	const struct node_check in = { model, node, error };
	struct weight read = { .node = node,
			       .intent = { .no_linear = true,
					   .no_padding = true } };
	const quire_status status =
	    quire_dequantize_read(&in, DEQUANTIZE_TENSOR, &read);

	(void)index;
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

const struct weight_operator quire_operator_dequantized_tensor = {
	.is = is_tensor,
	.read = read_tensor,
	.late = true,
};
