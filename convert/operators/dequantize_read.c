/*
 * dequantize_read.c - reads x, scales and zero points of a DequantizeLinear. It
 * means (code - zero) * scale, where an absent zero point is 0. There is one
 * scale, or one for each index along `axis`, or one for each block_size of
 * them; dequantize_order.c says which. A product that dequantizes within itself
 * has the same three inputs.
 */
#include <inttypes.h>

#include "convert/operators/dequantize.h"

enum {
	ROW_AXIS,
	ROW_BLOCK_SIZE,
	ROW_OUTPUT
};

static const struct attribute_row attribute_rows[] = {
	[ROW_AXIS] = { "axis", false, 1, -NODE_RANK_MAX, NODE_RANK_MAX - 1 },
	[ROW_BLOCK_SIZE] = { "block_size", false, 0, 0, INT64_C(1) << 31 },
	[ROW_OUTPUT] = { "output_dtype", false, 0, 0, INT32_MAX },
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

static const struct dequantize_inputs own_inputs = {
	.x = { "x", 0, true },
	.scale = { "x_scale", 1, true },
	.zero = { "x_zero_point", 2, false },
};

static quire_status read_attributes(struct dequantize *in)
{
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status;

	in->axis = in->inputs->axis;
	if (in->axis != 0)
		return QUIRE_OK;
	status = quire_node_attributes(&in->node, attribute_rows,
				       ATTRIBUTE_COUNT, values);
	if (status != QUIRE_OK)
		return status;
	in->axis = values[ROW_AXIS];
	in->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	in->weight->intent.type = (int32_t)values[ROW_OUTPUT];
	return QUIRE_OK;
}

/* Where a Gather takes rows of a constant: that constant. */
static void ungather(const struct node_check *in, struct node_operand *operand)
{
	const struct onnx_node *node = quire_onnx_producer(
	    in->model, quire_unwrap(in->model, operand->value));
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
	struct node_check from = in->node;
	quire_status status;

	if (use == WEIGHT_SCALES && in->inputs->scaler)
		from.node = in->inputs->scaler;
	status = quire_node_operand(&from, row, operand);
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
	const bool matrix = in->form != DEQUANTIZE_TENSOR && !in->reshaped;
	quire_status status =
	    quire_node_type(&in->node, x, quire_dequantize_type(x->value->type),
			    "an integer of 2, 4 or 8 bits");

	if (status != QUIRE_OK)
		return status;
	if (x->value->count == 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "%s, '%s', has no elements", x->name,
				       x->value->name);
	if (x->rank < 1 || x->rank > NODE_RANK_MAX || (matrix && x->rank != 2))
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "%s, '%s', is not a matrix", x->name,
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
	quire_status status =
	    read_operand(in, &in->inputs->x, WEIGHT_CODES, &in->x);

	if (status == QUIRE_OK)
		status = check_x(in);
	if (status != QUIRE_OK)
		return status;
	value->bits = quire_onnx_type_bits(x->value->type);
	if (is_signed(x->value->type))
		storage->sign_bit = middle_code(value->bits);
	value->zero_point = (size_t)storage->sign_bit;
	storage->codes.value = x->value;
	return QUIRE_OK;
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
			       "%s does not have the shape that %s, axis and "
			       "block_size make: %" PRIu64
			       " along axis %" PRId64,
			       in->scale.name, in->x.name, count, in->axis);
}

/* Whether there is one scale for each of `count` indices. Those of a product
 * may have dimensions of 1 before it. */
static bool has_vector_shape(const struct dequantize *in, uint64_t count)
{
	const struct node_operand *scale = &in->scale;
	const bool product = in->inputs->axis != 0;

	return scale->value->count == count && scale->rank >= 1 &&
	       scale->rank <= (product ? in->x.rank : 1) &&
	       (uint64_t)scale->dims[scale->rank - 1] == count;
}

/* Checks axis and shape of the scales, and decides whether W is swapped. */
static quire_status check_scale(struct dequantize *in)
{
	const bool blocked = in->block_size != 0;
	const int64_t rank = (int64_t)in->x.rank;
	const uint64_t size = blocked ? in->block_size : 1;
	uint64_t count;

	in->one_scale =
	    !blocked && in->scale.value->count == 1 && in->scale.rank <= 1;
	in->swapped = in->form == DEQUANTIZE_TRANSPOSED;
	if (in->one_scale)
		return QUIRE_OK;
	if (in->axis < -rank || in->axis >= rank)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "axis is %" PRId64 "; %s has %" PRId64
				       " dimensions",
				       in->axis, in->x.name, rank);
	in->axis += in->axis < 0 ? rank : 0;
	count = ((uint64_t)in->x.dims[in->axis] - 1) / size + 1;
	if (blocked ? !has_block_shape(in, count)
		    : !has_vector_shape(in, count))
		return fail_scales(in, count);
	if (in->form == DEQUANTIZE_TENSOR && rank >= 2)
		in->swapped = in->axis == (blocked ? rank - 2 : rank - 1);
	return QUIRE_OK;
}

static quire_status read_scale(struct dequantize *in)
{
	struct weight_constant *scales = &in->weight->storage.scales;
	quire_status status =
	    read_operand(in, &in->inputs->scale, WEIGHT_SCALES, &in->scale);
	int32_t type;

	if (status != QUIRE_OK)
		return status;
	type = in->scale.value->type;
	status = quire_node_type(&in->node, &in->scale,
				 quire_onnx_is_float(type), "a float type");
	if (status != QUIRE_OK)
		return status;
	scales->value = in->scale.value;
	scales->casts = in->scale.casts;
	if (in->weight->intent.type == 0)
		in->weight->intent.type = in->scale.type;
	return check_scale(in);
}

/* K and N, and where the codes of a row are. */
static void order_codes(struct dequantize *in)
{
	struct weight_value *value = &in->weight->value;
	struct weight_storage *storage = &in->weight->storage;
	struct node_operand shape = in->x;
	uint64_t rows;

	if (in->reshaped) {
		shape.rank = 2;
		shape.dims[0] = (int64_t)in->reshaped[0];
		shape.dims[1] = (int64_t)in->reshaped[1];
	}
	if (in->swapped) {
		const int64_t last = shape.dims[shape.rank - 1];

		shape.dims[shape.rank - 1] = shape.dims[shape.rank - 2];
		shape.dims[shape.rank - 2] = last;
	}
	value->k = (uint64_t)shape.dims[shape.rank - 1];
	quire_node_outer(&shape, value);
	/* Of one of the matrices that follow each other. */
	rows = in->swapped ? (uint64_t)shape.dims[shape.rank - 2] : value->n;
	storage->codes.row_size = packed_size(value->k, value->bits);
	storage->codes.order =
	    (struct element_order){ .group = rows,
				    .group_step =
					rows < value->n ? rows * value->k : 0,
				    .row_step = in->swapped ? 1 : value->k,
				    .col_step = in->swapped ? rows : 1,
				    .share = 1 };
}

static quire_status order(struct dequantize *in)
{
	struct weight_constant *scales = &in->weight->storage.scales;
	quire_status status;

	order_codes(in);
	status = quire_dequantize_order(in);
	scales->row_size = (size_t)in->weight->value.blocks *
			   quire_onnx_type_bits(scales->value->type) / 8;
	return status;
}

static quire_status read_zero_point(struct dequantize *in)
{
	const struct weight_value *value = &in->weight->value;
	struct weight_storage *storage = &in->weight->storage;
	const struct node_operand *zero = &in->zero;
	quire_status status =
	    read_operand(in, &in->inputs->zero, WEIGHT_ZERO_POINTS, &in->zero);
	const bool product = in->inputs->axis != 0;
	bool same;

	if (status != QUIRE_OK || !zero->value)
		return status;
	status = quire_node_type(
	    &in->node, zero, zero->value->type == in->x.value->type,
	    product ? "of the type of B" : "of the type of x");
	if (status != QUIRE_OK)
		return status;
	same = zero->rank == in->scale.rank;
	for (size_t i = 0; same && i < zero->rank; i++)
		same = zero->dims[i] == in->scale.dims[i];
	/* A single scale may have any number of dimensions; and in a product a
	 * single zero point may belong to all scales. */
	if (!same && !(zero->value->count == 1 &&
		       (product || in->scale.value->count == 1)))
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "%s does not have the shape of %s",
				       zero->name, in->scale.name);
	storage->zero_points = (struct weight_constant){
		.value = zero->value,
		.row_size = packed_size(value->blocks, value->bits),
		.order = storage->scales.order,
	};
	if (!same)
		storage->zero_points.order =
		    (struct element_order){ .group = value->n, .share = 1 };
	return QUIRE_OK;
}

quire_status quire_dequantize_x(const struct node_check *node,
				struct node_operand *x)
{
	return quire_node_operand(node, &own_inputs.x, x);
}

quire_status quire_dequantize_read(const struct node_check *node,
				   enum dequantize_form form,
				   const uint64_t *reshaped,
				   struct weight *weight)
{
	return quire_dequantize_inputs_read(node, &own_inputs, form, reshaped,
					    weight);
}

quire_status quire_dequantize_inputs_read(
    const struct node_check *node, const struct dequantize_inputs *inputs,
    enum dequantize_form form, const uint64_t *reshaped, struct weight *weight)
{
	static quire_status (*const steps[])(struct dequantize *) = {
		read_attributes, read_x, read_scale, order, read_zero_point
	};
	struct dequantize in = { .node = *node,
				 .inputs = inputs,
				 .weight = weight,
				 .form = form,
				 .reshaped = reshaped };
	quire_status status = QUIRE_OK;

	weight->holder = node->node;
	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == QUIRE_OK; i++)
		status = steps[i](&in);
	return status;
}
