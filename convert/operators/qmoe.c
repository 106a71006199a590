/*
 * qmoe.c - the experts of one com.microsoft.QMoE node: two or three weights,
 * each a stack of matrices, one for each expert. A weight is [experts, n, k]
 * with codes packed along k, low bits first. Without block_size a row has one
 * scale, and zero points are packed along n.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/operators/node_check.h"
#include "convert/operators/operators.h"

enum {
	ROW_BITS,
	ROW_BLOCK_SIZE,
	ROW_PREPACKED,
	ROW_FC1_BITS,
	ROW_FC2_BITS,
	ROW_FC3_BITS
};

/* Bits of 0 stand for expert_weight_bits. */
static const struct attribute_row attribute_rows[] = {
	[ROW_BITS] = { "expert_weight_bits", false, 4, 2, 8 },
	[ROW_BLOCK_SIZE] = { "block_size", false, 0, 0, INT64_C(1) << 31 },
	[ROW_PREPACKED] = { "weights_prepacked", false, -1, -1, 1 },
	[ROW_FC1_BITS] = { "fc1_expert_weight_bits", false, 0, 0, 8 },
	[ROW_FC2_BITS] = { "fc2_expert_weight_bits", false, 0, 0, 8 },
	[ROW_FC3_BITS] = { "fc3_expert_weight_bits", false, 0, 0, 8 },
	QUIRE_ANY_ATTRIBUTE("accuracy_level"),
	QUIRE_ANY_ATTRIBUTE("activation_alpha"),
	QUIRE_ANY_ATTRIBUTE("activation_beta"),
	QUIRE_ANY_ATTRIBUTE("activation_type"),
	QUIRE_ANY_ATTRIBUTE("k"),
	QUIRE_ANY_ATTRIBUTE("normalize_routing_weights"),
	QUIRE_ANY_ATTRIBUTE("quant_type"), /* a text: check_raw reads it */
	QUIRE_ANY_ATTRIBUTE("swiglu_fusion"),
	QUIRE_ANY_ATTRIBUTE("swiglu_limit"),
	QUIRE_ANY_ATTRIBUTE("swiglu_limit_after_activation"),
	QUIRE_ANY_ATTRIBUTE("use_sparse_mixer"),
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

/* Of fc1, fc2 and fc3. */
static const struct projection {
	struct input_row weights;
	struct input_row scales;
	struct input_row zero_points;
} projections[] = {
	{ { "fc1_experts_weights", 2, true },
	  { "fc1_scales", 3, true },
	  { "fc1_zero_points", 11, false } },
	{ { "fc2_experts_weights", 5, true },
	  { "fc2_scales", 6, true },
	  { "fc2_zero_points", 12, false } },
	{ { "fc3_experts_weights", 8, true },
	  { "fc3_scales", 9, true },
	  { "fc3_zero_points", 13, false } },
};

struct check {
	struct node_check node;
	const struct projection *projection;
	struct weight *weight;
	struct node_operand codes;
	struct node_operand scales;
	struct node_operand zeros;
	bool in_blocks;
};

static size_t count(const struct onnx_node *node)
{
	const size_t fc3 = projections[2].weights.index;

	return node->input_count > fc3 && node->inputs[fc3][0] ? 3 : 2;
}

/* Whether an attribute is absent or that text. */
static bool is_text(const struct onnx_node *node, const char *name,
		    const char *text)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return !found ||
	       (found->is_string && found->string_size == strlen(text) &&
		memcmp(found->string, text, found->string_size) == 0);
}

static quire_status check_raw(const struct check *in, int64_t prepacked)
{
	const bool said =
	    quire_onnx_attribute(in->node.node, "weights_prepacked") != NULL;

	if (!is_text(in->node.node, "quant_type", "int"))
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "quant_type is not 'int'; only 'int' is "
				       "supported");
	if (prepacked == 0)
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
			       "weights_prepacked is %" PRId64
			       "%s: the layout of one device, from which the "
			       "weight cannot be read; 0 is raw",
			       prepacked, said ? "" : " where it is absent");
}

static quire_status read_attributes(struct check *in)
{
	struct weight_value *value = &in->weight->value;
	const size_t which = (size_t)(in->projection - projections);
	const struct onnx_node *node = in->node.node;
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status = quire_node_microsoft(&in->node);

	if (status == QUIRE_OK)
		status = check_raw(
		    in, quire_onnx_integer(node, "weights_prepacked", -1));
	if (status == QUIRE_OK)
		status = quire_node_attributes(&in->node, attribute_rows,
					       ATTRIBUTE_COUNT, values);
	if (status != QUIRE_OK)
		return status;
	value->bits = (uint32_t)values[ROW_FC1_BITS + which];
	if (value->bits == 0)
		value->bits = (uint32_t)values[ROW_BITS];
	value->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	in->in_blocks = value->block_size > 0;
	if (in->in_blocks && value->block_size < 16)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "block_size is %" PRIu64
				       ", less than 16",
				       value->block_size);
	return quire_node_blocks(&in->node, value);
}

static quire_status read_codes(struct check *in)
{
	struct weight_value *value = &in->weight->value;
	struct weight_constant *stored = &in->weight->storage.codes;
	struct node_operand *codes = &in->codes;
	quire_status status =
	    quire_node_operand(&in->node, &in->projection->weights, codes);

	if (status == QUIRE_OK)
		status =
		    quire_node_type(&in->node, codes,
				    codes->value->type == ONNX_UINT8, "UINT8");
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, codes);
	if (status != QUIRE_OK)
		return status;
	if (codes->rank != 3 || codes->value->count == 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "%s is not [experts, n, k]",
				       codes->name);
	stored->value = codes->value;
	stored->row_size = (size_t)codes->dims[2];
	in->weight->uses[WEIGHT_CODES] = codes->use;
	quire_node_outer(codes, value);
	value->zero_point = middle_code(value->bits);
	value->k = (uint64_t)codes->dims[2] * (8 / value->bits);
	if (!in->in_blocks)
		value->block_size = value->k;
	value->blocks = value->k / value->block_size;
	if (value->k % value->block_size != 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "%s has %" PRIu64
				       " columns, no multiple of block_size",
				       codes->name, value->k);
	return QUIRE_OK;
}

/* [experts, n, blocks], or without blocks [experts, n]. */
static quire_status read_scales(struct check *in)
{
	const struct weight_value *value = &in->weight->value;
	const struct shape shape = { { (uint64_t)in->codes.dims[0],
				       value->outer[0], value->blocks } };
	quire_status status =
	    quire_node_scales(&in->node, &in->projection->scales, &shape,
			      in->weight, &in->scales);

	return status == QUIRE_OK ? quire_node_constant(&in->node, &in->scales)
				  : status;
}

/* Packed along blocks, or without blocks along n. */
static quire_status read_zero_points(struct check *in)
{
	const struct weight_value *value = &in->weight->value;
	struct weight_constant *zeros = &in->weight->storage.zero_points;
	const uint64_t each = 8 / value->bits;
	struct shape shape = { { (uint64_t)in->codes.dims[0], value->outer[0],
				 (value->blocks + each - 1) / each } };
	quire_status status = quire_node_operand(
	    &in->node, &in->projection->zero_points, &in->zeros);

	if (status != QUIRE_OK || !in->zeros.value)
		return status;
	zeros->value = in->zeros.value;
	zeros->row_size = (size_t)shape.dims[2];
	in->weight->uses[WEIGHT_ZERO_POINTS] = in->zeros.use;
	if (!in->in_blocks) {
		shape.dims[1] = (value->outer[0] + each - 1) / each;
		shape.dims[2] = 1;
		zeros->order =
		    (struct element_order){ .group = value->outer[0],
					    .group_step = shape.dims[1] * each,
					    .row_step = 1,
					    .share = 1 };
	}
	status = quire_node_type(&in->node, &in->zeros,
				 zeros->value->type == ONNX_UINT8, "UINT8");
	if (status == QUIRE_OK)
		status = quire_node_shape(&in->node, &in->zeros, &shape);
	return status == QUIRE_OK ? quire_node_constant(&in->node, &in->zeros)
				  : status;
}

static quire_status read_node(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	static quire_status (*const steps[])(struct check *) = {
		read_attributes, read_codes, read_scales, read_zero_points
	};
	struct weight read = { .node = node, .intent = { .no_linear = true } };
	struct check in = { .node = { model, node, error },
			    .projection = &projections[index],
			    .weight = &read };
	quire_status status = QUIRE_OK;

	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == QUIRE_OK; i++)
		status = steps[i](&in);
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

const struct weight_operator quire_operator_qmoe = {
	.op_type = "QMoE",
	.count = count,
	.read = read_node,
};
