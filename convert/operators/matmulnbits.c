/*
 * matmulnbits.c - reads and checks one MatMulNBits node. Rows of its weight
 * are in matmulnbits_rows.c; what they become is not known here.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/operators/node_check.h"
#include "convert/operators/operators.h"

enum {
	PART_B,
	PART_SCALES,
	PART_ZEROS,
	PART_G_IDX,
	PART_BIAS,
	PART_COUNT
};

struct check {
	struct node_check node;
	struct weight *weight;
	struct node_part parts[PART_COUNT];
};

/* Block sizes are far below this; it keeps k * blocks * bits in range. */
#define MAX_BLOCK_SIZE (UINT64_C(1) << 31)

enum {
	ROW_K,
	ROW_N,
	ROW_BLOCK_SIZE,
	ROW_BITS,
	ROW_LEVEL,
	ROW_PREPACKED
};

static const struct attribute_row attribute_rows[] = {
	[ROW_K] = { "K", true, 0, 1, INT64_MAX },
	[ROW_N] = { "N", true, 0, 1, INT64_MAX },
	[ROW_BLOCK_SIZE] = { "block_size", true, 0, 16, MAX_BLOCK_SIZE },
	[ROW_BITS] = { "bits", false, 4, 2, 8 },
	[ROW_LEVEL] = { "accuracy_level", false, 0, 0, 4 },
	[ROW_PREPACKED] = { "weight_prepacked", false, 0, INT64_MIN,
			    INT64_MAX },
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

static quire_status read_attributes(struct check *in)
{
	struct weight *weight = in->weight;
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status = quire_node_attributes(&in->node, attribute_rows,
						    ATTRIBUTE_COUNT, values);

	if (status != QUIRE_OK)
		return status;
	weight->k = (uint64_t)values[ROW_K];
	weight->n = (uint64_t)values[ROW_N];
	weight->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	weight->bits = (uint32_t)values[ROW_BITS];
	weight->accuracy_level = (uint32_t)values[ROW_LEVEL];
	status = quire_node_blocks(&in->node, weight);
	if (status == QUIRE_OK && values[ROW_PREPACKED] != 0)
		return quire_node_fail(
		    &in->node, QUIRE_ERROR_UNSUPPORTED,
		    "weight_prepacked is %" PRId64 ": the layout of "
		    "one device, from which the weight cannot be had",
		    values[ROW_PREPACKED]);
	return status;
}

/* Numbers and bytes of a row, none of which may overflow. */
static quire_status measure(struct check *in)
{
	struct weight *weight = in->weight;
	uint64_t code_bits;
	uint64_t zero_bits;
	uint64_t padded_k;

	weight->blocks = (weight->k - 1) / weight->block_size + 1;
	if (!checked_mul(weight->blocks, weight->block_size, &padded_k) ||
	    !checked_mul(padded_k, weight->bits, &code_bits) ||
	    !checked_mul(weight->blocks, weight->bits, &zero_bits) ||
	    padded_k > SIZE_MAX / 16 || weight->blocks > UINT32_MAX)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "K of %" PRIu64 " is out of range",
				       weight->k);
	weight->code_row_size = (size_t)(code_bits / 8);
	weight->zero_row_size = (size_t)(zero_bits / 8 + (zero_bits % 8 != 0));
	return QUIRE_OK;
}

static const struct input_row input_b = { "B", 1, true };
static const struct input_row input_scales = { "scales", 2, true };
static const struct input_row input_zero_points = { "zero_points", 3, false };
static const struct input_row input_g_idx = { "g_idx", 4, false };
static const struct input_row input_bias = { "bias", 5, false };

static quire_status read_codes(struct check *in)
{
	struct weight *weight = in->weight;
	struct node_part *part = &in->parts[PART_B];
	const struct shape shape = { { weight->n, weight->blocks,
				       weight->code_row_size /
					   weight->blocks } };
	quire_status status = quire_node_part(&in->node, &input_b, part);

	if (status != QUIRE_OK)
		return status;
	weight->codes = part->value;
	weight->uses[0] = part->use;
	status = quire_node_type(&in->node, part,
				 part->value->type == ONNX_UINT8, "UINT8");
	return status == QUIRE_OK ? quire_node_shape(&in->node, part, &shape)
				  : status;
}

static quire_status read_scales(struct check *in)
{
	const struct shape shape = { { in->weight->n, in->weight->blocks, 1 } };

	return quire_node_scales(&in->node, &input_scales, &shape, in->weight,
				 &in->parts[PART_SCALES]);
}

/* Packed as the codes are, or one float for each block. */
static quire_status read_zero_points(struct check *in)
{
	struct weight *weight = in->weight;
	struct node_part *part = &in->parts[PART_ZEROS];
	struct shape shape = { { weight->n, weight->zero_row_size, 1 } };
	quire_status status =
	    quire_node_part(&in->node, &input_zero_points, part);
	const struct onnx_value *value = part->value;

	if (!value)
		weight->zero_row_size = 0;
	if (status != QUIRE_OK || !value)
		return status;
	weight->zero_points = value;
	weight->uses[2] = part->use;
	if (quire_onnx_is_float(value->type)) {
		weight->zero_row_size = (size_t)weight->blocks *
					quire_onnx_type_bits(value->type) / 8;
		shape.dims[1] = weight->blocks;
	}
	status = quire_node_type(&in->node, part,
				 value->type == ONNX_UINT8 ||
				     quire_onnx_is_float(value->type),
				 "UINT8 or a float type");
	return status == QUIRE_OK ? quire_node_shape(&in->node, part, &shape)
				  : status;
}

/* An optional vector of either of two lengths. */
static quire_status check_vector(struct check *in, const struct node_part *part,
				 uint64_t size, uint64_t other_size)
{
	if (!part->has_shape ||
	    (part->rank == 1 &&
	     (part->dims[0] == -1 || (uint64_t)part->dims[0] == size ||
	      (uint64_t)part->dims[0] == other_size)))
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
			       "%s is not a vector of %" PRIu64 " elements",
			       part->name, size);
}

static quire_status read_g_idx(struct check *in)
{
	struct weight *weight = in->weight;
	struct node_part *part = &in->parts[PART_G_IDX];
	quire_status status = quire_node_part(&in->node, &input_g_idx, part);

	if (status != QUIRE_OK || !part->value)
		return status;
	weight->g_idx = part->value;
	weight->uses[3] = part->use;
	status = quire_node_type(&in->node, part,
				 part->value->type == ONNX_INT32, "INT32");
	return status == QUIRE_OK
		   ? check_vector(in, part, weight->k,
				  weight->blocks * weight->block_size)
		   : status;
}

static quire_status read_bias(struct check *in)
{
	struct weight *weight = in->weight;
	struct node_part *part = &in->parts[PART_BIAS];
	quire_status status = quire_node_input(&in->node, &input_bias, part);

	if (status != QUIRE_OK || !part->value)
		return status;
	weight->bias = part->value;
	status = quire_node_type(&in->node, part,
				 quire_onnx_is_float(part->value->type),
				 "a float type");
	return status == QUIRE_OK ? check_vector(in, part, weight->n, weight->n)
				  : status;
}

static quire_status check_constants(struct check *in)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < PART_COUNT && status == QUIRE_OK; i++)
		status = quire_node_constant(&in->node, &in->parts[i]);
	return status;
}

static quire_status check_node(struct check *in)
{
	const struct onnx_node *node = in->weight->node;
	const quire_status status = quire_node_microsoft(&in->node);

	if (status != QUIRE_OK)
		return status;
	if (node->input_count > 6)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "%zu inputs; 6 is the most",
				       node->input_count);
	if (node->input_count < 1 || node->inputs[0][0] == '\0')
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "input A is absent");
	if (!quire_onnx_find(in->node.model, node->scope, node->inputs[0]))
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "input A, '%s', is defined nowhere",
				       node->inputs[0]);
	return QUIRE_OK;
}

static quire_status read_node(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	static quire_status (*const steps[])(struct check *) = {
		check_node, read_attributes, measure,
		read_codes, read_scales,     read_zero_points,
		read_g_idx, read_bias,	     check_constants,
	};
	struct weight read = { .node = node };
	struct check in = { { model, node, error }, &read, { { 0 } } };

	(void)index;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const quire_status status = steps[i](&in);

		if (status != QUIRE_OK)
			return status;
	}
	*weight = read;
	return QUIRE_OK;
}

const struct weight_operator quire_operator_matmulnbits = {
	.op_type = "MatMulNBits",
	.read = read_node,
};
