/*
 * matmulnbits.c - the weight of one com.microsoft.MatMulNBits node. Every
 * attribute is checked, and the type, shape and origin of every input but A.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "convert/operators/node_check.h"

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

static const struct input_row input_b = { "B", 1, true };
static const struct input_row input_scales = { "scales", 2, true };
static const struct input_row input_zero_points = { "zero_points", 3, false };
static const struct input_row input_g_idx = { "g_idx", 4, false };
static const struct input_row input_bias = { "bias", 5, false };

#define INPUT_COUNT 6 /* with A */

struct check {
	struct node_check node;
	struct weight *weight;
	struct node_operand codes;
	struct node_operand scales;
	struct node_operand zeros;
	struct node_operand g_idx;
	struct node_operand bias;
};

static quire_status check_node(struct check *in)
{
	const struct onnx_node *node = in->weight->node;
	const quire_status status = quire_node_microsoft(&in->node);

	if (status != QUIRE_OK)
		return status;
	if (node->input_count > INPUT_COUNT)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "it has %zu inputs; the most is %d",
				       node->input_count, INPUT_COUNT);
	if (node->input_count < 1 || node->inputs[0][0] == '\0')
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "input A is absent");
	if (!quire_onnx_find(in->node.model, node->scope, node->inputs[0]))
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "input A, '%s', is defined nowhere",
				       node->inputs[0]);
	return QUIRE_OK;
}

static quire_status read_attributes(struct check *in)
{
	struct weight_value *value = &in->weight->value;
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status = quire_node_attributes(&in->node, attribute_rows,
						    ATTRIBUTE_COUNT, values);

	if (status != QUIRE_OK)
		return status;
	value->k = (uint64_t)values[ROW_K];
	quire_node_matrix((uint64_t)values[ROW_N], value);
	value->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	value->bits = (uint32_t)values[ROW_BITS];
	in->weight->intent.accuracy_level = (uint32_t)values[ROW_LEVEL];
	status = quire_node_blocks(&in->node, value);
	if (status == QUIRE_OK && values[ROW_PREPACKED] != 0)
		return quire_node_fail(
		    &in->node, QUIRE_ERROR_UNSUPPORTED,
		    "weight_prepacked is %" PRId64 ": the layout of "
		    "one device, from which the weight cannot be read",
		    values[ROW_PREPACKED]);
	return status;
}

/* Counts blocks and bytes of a row, and checks that none overflows. */
static quire_status measure(struct check *in)
{
	struct weight_value *value = &in->weight->value;
	uint64_t code_bits;
	uint64_t zero_bits;
	uint64_t padded_k;

	value->zero_point = middle_code(value->bits);
	value->blocks = (value->k - 1) / value->block_size + 1;
	if (!checked_mul(value->blocks, value->block_size, &padded_k) ||
	    !checked_mul(padded_k, value->bits, &code_bits) ||
	    !checked_mul(value->blocks, value->bits, &zero_bits) ||
	    padded_k > SIZE_MAX / 16 || value->blocks > UINT32_MAX)
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "K of %" PRIu64 " is out of range",
				       value->k);
	in->weight->storage.codes.row_size = (size_t)(code_bits / 8);
	return QUIRE_OK;
}

static quire_status read_codes(struct check *in)
{
	const struct weight_value *value = &in->weight->value;
	struct weight_constant *codes = &in->weight->storage.codes;
	const struct shape shape = { { value->n, value->blocks,
				       codes->row_size / value->blocks } };
	quire_status status =
	    quire_node_operand(&in->node, &input_b, &in->codes);

	if (status != QUIRE_OK)
		return status;
	codes->value = in->codes.value;
	in->weight->uses[WEIGHT_CODES] = in->codes.use;
	status = quire_node_type(&in->node, &in->codes,
				 codes->value->type == ONNX_UINT8, "UINT8");
	return status == QUIRE_OK
		   ? quire_node_shape(&in->node, &in->codes, &shape)
		   : status;
}

static quire_status read_scales(struct check *in)
{
	const struct weight_value *value = &in->weight->value;
	const struct shape shape = { { value->n, value->blocks, 1 } };

	return quire_node_scales(&in->node, &input_scales, &shape, in->weight,
				 &in->scales);
}

/* Packed as the codes are, or one float for each block. */
static quire_status read_zero_points(struct check *in)
{
	const struct weight_value *value = &in->weight->value;
	struct weight_constant *zeros = &in->weight->storage.zero_points;
	const size_t packed = packed_size(value->blocks, value->bits);
	struct shape shape = { { value->n, packed, 1 } };
	quire_status status =
	    quire_node_operand(&in->node, &input_zero_points, &in->zeros);
	int32_t type;

	if (status != QUIRE_OK || !in->zeros.value)
		return status;
	type = in->zeros.value->type;
	zeros->value = in->zeros.value;
	zeros->casts = in->zeros.casts;
	zeros->row_size = packed;
	in->weight->uses[WEIGHT_ZERO_POINTS] = in->zeros.use;
	if (quire_onnx_is_float(type)) {
		zeros->row_size =
		    (size_t)value->blocks * quire_onnx_type_bits(type) / 8;
		shape.dims[1] = value->blocks;
	}
	status =
	    quire_node_type(&in->node, &in->zeros,
			    type == ONNX_UINT8 || quire_onnx_is_float(type),
			    "UINT8 or a float type");
	return status == QUIRE_OK
		   ? quire_node_shape(&in->node, &in->zeros, &shape)
		   : status;
}

/* An optional vector of either of two lengths. */
static quire_status check_vector(struct check *in,
				 const struct node_operand *operand,
				 uint64_t size, uint64_t other_size)
{
	if (!operand->has_shape ||
	    (operand->rank == 1 &&
	     (operand->dims[0] == -1 || (uint64_t)operand->dims[0] == size ||
	      (uint64_t)operand->dims[0] == other_size)))
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
			       "%s is not a vector of %" PRIu64 " elements",
			       operand->name, size);
}

static quire_status read_g_idx(struct check *in)
{
	const struct weight_value *value = &in->weight->value;
	quire_status status =
	    quire_node_operand(&in->node, &input_g_idx, &in->g_idx);

	if (status != QUIRE_OK || !in->g_idx.value)
		return status;
	in->weight->storage.g_idx.value = in->g_idx.value;
	in->weight->uses[WEIGHT_G_IDX] = in->g_idx.use;
	status = quire_node_type(&in->node, &in->g_idx,
				 in->g_idx.value->type == ONNX_INT32, "INT32");
	return status == QUIRE_OK
		   ? check_vector(in, &in->g_idx, value->k,
				  value->blocks * value->block_size)
		   : status;
}

static quire_status read_bias(struct check *in)
{
	const uint64_t n = in->weight->value.n;
	quire_status status =
	    quire_node_bias(&in->node, &input_bias, &in->bias);

	if (status != QUIRE_OK || !in->bias.value)
		return status;
	in->weight->intent.bias = in->bias.value;
	status = quire_node_type(&in->node, &in->bias,
				 quire_onnx_is_float(in->bias.value->type),
				 "a float type");
	return status == QUIRE_OK ? check_vector(in, &in->bias, n, n) : status;
}

static quire_status check_constants(struct check *in)
{
	const struct node_operand *const operands[] = { &in->codes, &in->scales,
							&in->zeros, &in->g_idx,
							&in->bias };
	const size_t count = sizeof(operands) / sizeof(operands[0]);
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = quire_node_constant(&in->node, operands[i]);
	return status;
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
	struct check in = { .node = { model, node, error }, .weight = &read };

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
