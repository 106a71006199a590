/*
 * dequantize_linear.c - finds the DequantizeLinear behind a weight, and works
 * out which element of its inputs belongs to (row, col) of what we call W.
 */
#include "convert/dequantize_linear.h"

#include <inttypes.h>
#include <string.h>

#include "convert/node_check.h"
#include "convert/onnx_tensor.h"

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

struct check {
	struct node_check node; /* the DequantizeLinear */
	struct matmulnbits *weight;
	bool gathered;	 /* its inputs are rows that a Gather looks up */
	bool transposed; /* a row of W is a column of x */
	int64_t axis;
	uint64_t block_size; /* 0: none */
	struct node_part x;
	struct node_part scale;
	struct node_part zero;
};

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

/* Activations are never quantized in blocks or to less than 8 bits. */
static bool holds_weight(const struct onnx_model *model,
			 const struct onnx_node *node, bool gathered)
{
	const struct node_check in = { model, node, NULL };
	const struct onnx_value *before;
	struct node_part x;

	/* What is wrong with it is told by who reads it. */
	if (quire_node_part(&in, &input_x, &x) != QUIRE_OK)
		return !gathered;
	before = x.value;
	if (gathered)
		ungather(&in, &x);
	if (gathered)
		return x.value != before && is_quantized_type(x.value->type);
	if (x.value->origin == ONNX_CONSTANT)
		return is_quantized_type(x.value->type);
	return quire_onnx_integer(node, "block_size", 0) != 0 ||
	       (is_quantized_type(x.value->type) &&
		quire_onnx_type_bits(x.value->type) < 8);
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

bool quire_dequantized_linear_is(const struct onnx_model *model,
				 const struct onnx_node *node)
{
	const struct onnx_node *source;
	bool swapped;

	if (!quire_onnx_is(node, "MatMul") && !quire_onnx_is(node, "Gemm"))
		return false;
	source = find_source(model, node, &swapped);
	return source && holds_weight(model, source, false);
}

bool quire_dequantized_rows_is(const struct onnx_model *model,
			       const struct onnx_node *node)
{
	return is_dequantize(node) && holds_weight(model, node, true);
}

bool quire_dequantized_tensor_is(const struct onnx_model *model,
				 const struct onnx_node *node)
{
	return is_dequantize(node) && holds_weight(model, node, false);
}

static quire_status read_attributes(struct check *in)
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
static quire_status read_part(struct check *in, const struct input_row *row,
			      size_t use, struct node_part *part)
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

static quire_status read_x(struct check *in)
{
	struct matmulnbits *weight = in->weight;
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

/* Scales for each `size` indices of x along the axis: where they belong, for
 * an x of [rows, cols], or of more dimensions with the first or last axis. */
static void map_axis(struct check *in, uint64_t size, uint64_t count)
{
	struct matmulnbits *weight = in->weight;
	const bool first = in->axis == 0 && in->x.rank > 1;
	const bool whole = in->block_size == 0; /* one for each index alone */
	struct element_map *map = &weight->scale_map;

	map->group = weight->n;
	map->share = 1;
	if (first != in->transposed) {
		/* Along rows of W, whose columns then differ, if at all. */
		const uint64_t inner =
		    in->x.rank == 2 ? 1 : weight->n / (uint64_t)in->x.dims[0];

		weight->block_size = whole ? weight->k : 1;
		weight->blocks = whole ? 1 : weight->k;
		map->group = whole ? inner : size;
		map->group_step = whole || in->transposed ? 1 : weight->k;
		map->col_step = whole ? 0 : in->transposed ? count : 1;
		return;
	}
	weight->block_size = size;
	weight->blocks = count;
	map->row_step = whole ? 0 : in->transposed ? 1 : count;
	map->col_step = whole || !in->transposed ? 1 : weight->n;
}

/* One scale for all. */
static void map_whole(struct check *in)
{
	struct matmulnbits *weight = in->weight;

	weight->block_size = weight->k;
	weight->blocks = 1;
	weight->scale_map =
	    (struct element_map){ .group = weight->n, .share = 1 };
}

/* The shape of scales in blocks: that of x but along the axis. */
static bool has_block_shape(const struct check *in, uint64_t count)
{
	const struct node_part *scale = &in->scale;

	if (scale->rank != in->x.rank)
		return false;
	for (size_t i = 0; i < scale->rank; i++)
		if ((uint64_t)scale->dims[i] !=
		    (i == (size_t)in->axis ? count : (uint64_t)in->x.dims[i]))
			return false;
	return true;
}

static quire_status fail_scales(const struct check *in, uint64_t count)
{
	return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
			       "x_scale does not have the shape that x, axis "
			       "and block_size make: %" PRIu64
			       " along axis %" PRId64,
			       count, in->axis);
}

static quire_status map_scales(struct check *in)
{
	const bool blocked = in->block_size != 0;
	const int64_t rank = (int64_t)in->x.rank;
	const uint64_t size = blocked ? in->block_size : 1;
	uint64_t count;

	if (!blocked && in->scale.value->count == 1 && in->scale.rank <= 1) {
		map_whole(in);
		return QUIRE_OK;
	}
	if (in->axis < -rank || in->axis >= rank)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "axis %" PRId64
				       " is none of the %" PRId64 " of x",
				       in->axis, rank);
	in->axis += in->axis < 0 ? rank : 0;
	count = ((uint64_t)in->x.dims[in->axis] - 1) / size + 1;
	if (blocked ? !has_block_shape(in, count)
		    : in->scale.rank != 1 || in->scale.value->count != count)
		return fail_scales(in, count);
	if (in->axis != rank - 1 && (in->axis != 0 || (blocked && rank != 2)))
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "axis is %" PRId64 " of %" PRId64
				       "; the first or last is taken",
				       in->axis, rank);
	map_axis(in, size, count);
	return QUIRE_OK;
}

static quire_status read_scale(struct check *in)
{
	struct matmulnbits *weight = in->weight;
	quire_status status = read_part(in, &input_scale, 1, &in->scale);

	if (status == QUIRE_OK)
		status = quire_node_type(
		    &in->node, &in->scale,
		    quire_onnx_is_float(in->scale.value->type), "a float type");
	if (status == QUIRE_OK)
		status = map_scales(in);
	if (status != QUIRE_OK)
		return status;
	weight->scales = in->scale.value;
	weight->scale_row_size = (size_t)weight->blocks *
				 quire_onnx_type_bits(weight->scales->type) / 8;
	return QUIRE_OK;
}

static quire_status read_zero_point(struct check *in)
{
	struct matmulnbits *weight = in->weight;
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

static quire_status read_weight(struct check *in)
{
	static quire_status (*const steps[])(struct check *) = {
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
			      struct matmulnbits *weight)
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

quire_status quire_dequantized_linear_read(const struct onnx_model *model,
					   const struct onnx_node *node,
					   size_t index,
					   struct matmulnbits *weight,
					   quire_error *error)
{
	const bool gemm = quire_onnx_is(node, "Gemm");
	struct matmulnbits read = { .node = node };
	struct check in = { .weight = &read };
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

quire_status quire_dequantized_rows_read(const struct onnx_model *model,
					 const struct onnx_node *node,
					 size_t index,
					 struct matmulnbits *weight,
					 quire_error *error)
{
	struct matmulnbits read = { .node = node, .no_linear = true };
	struct check in = { .node = { model, node, error },
			    .weight = &read,
			    .gathered = true };
	quire_status status;

	(void)index;
	status = read_weight(&in);
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

quire_status quire_dequantized_tensor_read(const struct onnx_model *model,
					   const struct onnx_node *node,
					   size_t index,
					   struct matmulnbits *weight,
					   quire_error *error)
{
	struct matmulnbits read = { .node = node,
				    .no_linear = true,
				    .no_padding = true };
	struct check in = { .node = { model, node, error }, .weight = &read };
	quire_status status;

	(void)index;
	status = read_weight(&in);
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}
