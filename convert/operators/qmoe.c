/*
 * qmoe.c - reads and checks the weights of one QMoE node. Each is [experts, n,
 * k] with codes packed along k, low bits first. Without block_size a row has
 * one scale, and zero points are packed along n.
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

/* Widths of 0 are those of expert_weight_bits. */
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
	QUIRE_ANY_ATTRIBUTE("quant_type"), /* by itself: it is a text */
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
	struct node_part codes;
	struct node_part scales;
	struct node_part zeros;
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
				       "quant_type is not 'int'; integers are "
				       "taken");
	if (prepacked == 0)
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
			       "weights_prepacked is %" PRId64
			       "%s: the layout of one device, from which the "
			       "weight cannot be had; 0 is raw",
			       prepacked, said ? "" : " where it is absent");
}

static quire_status read_attributes(struct check *in)
{
	struct weight *weight = in->weight;
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
	weight->bits = (uint32_t)values[ROW_FC1_BITS + which];
	if (weight->bits == 0)
		weight->bits = (uint32_t)values[ROW_BITS];
	weight->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	in->in_blocks = weight->block_size > 0;
	if (in->in_blocks && weight->block_size < 16)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "block_size is %" PRIu64
				       ", less than 16",
				       weight->block_size);
	return quire_node_blocks(&in->node, weight);
}

static quire_status read_codes(struct check *in)
{
	struct weight *weight = in->weight;
	struct node_part *codes = &in->codes;
	quire_status status =
	    quire_node_part(&in->node, &in->projection->weights, codes);

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
	weight->codes = codes->value;
	weight->uses[0] = codes->use;
	quire_node_outer(codes, weight);
	weight->code_row_size = (size_t)codes->dims[2];
	weight->k = (uint64_t)codes->dims[2] * (8 / weight->bits);
	if (!in->in_blocks)
		weight->block_size = weight->k;
	weight->blocks = weight->k / weight->block_size;
	if (weight->k % weight->block_size != 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "%s has %" PRIu64
				       " columns, no multiple of block_size",
				       codes->name, weight->k);
	return QUIRE_OK;
}

/* [experts, n, blocks], or without blocks [experts, n]. */
static quire_status read_scales(struct check *in)
{
	const struct weight *weight = in->weight;
	const struct shape shape = { { (uint64_t)in->codes.dims[0],
				       weight->outer[0], weight->blocks } };
	quire_status status =
	    quire_node_scales(&in->node, &in->projection->scales, &shape,
			      in->weight, &in->scales);

	return status == QUIRE_OK ? quire_node_constant(&in->node, &in->scales)
				  : status;
}

static quire_status read_zero_points(struct check *in)
{
	struct weight *weight = in->weight;
	const uint64_t each = 8 / weight->bits;
	struct shape shape = { { (uint64_t)in->codes.dims[0], weight->outer[0],
				 (weight->blocks + each - 1) / each } };
	quire_status status = quire_node_part(
	    &in->node, &in->projection->zero_points, &in->zeros);

	if (status != QUIRE_OK || !in->zeros.value)
		return status;
	weight->zero_points = in->zeros.value;
	weight->uses[2] = in->zeros.use;
	weight->zero_row_size = (size_t)shape.dims[2];
	if (!in->in_blocks) {
		shape.dims[1] = (weight->outer[0] + each - 1) / each;
		shape.dims[2] = 1;
		weight->zero_map =
		    (struct element_map){ .group = weight->outer[0],
					  .group_step = shape.dims[1] * each,
					  .row_step = 1,
					  .share = 1 };
	}
	status = quire_node_type(&in->node, &in->zeros,
				 in->zeros.value->type == ONNX_UINT8, "UINT8");
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
	struct weight read = { .node = node, .no_linear = true };
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
