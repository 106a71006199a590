/*
 * gather_block_quantized.c - the embeddings of one
 * com.microsoft.GatherBlockQuantized node, as a weight of rows. Data of UINT8
 * is packed as MatMulNBits packs it, around 2^(bits - 1) unless zero points say
 * otherwise; INT4 and UINT4 are a flat tensor around 0.
 */
#include <inttypes.h>

#include "convert/operators/node_check.h"
#include "convert/operators/operators.h"

#define MAX_BLOCK_SIZE (INT64_C(1) << 31)

enum {
	ROW_BITS,
	ROW_BLOCK_SIZE,
	ROW_GATHER_AXIS,
	ROW_QUANTIZE_AXIS
};

static const struct attribute_row attribute_rows[] = {
	[ROW_BITS] = { "bits", false, 4, 2, 8 },
	[ROW_BLOCK_SIZE] = { "block_size", false, 128, 16, MAX_BLOCK_SIZE },
	[ROW_GATHER_AXIS] = { "gather_axis", false, 0, -NODE_RANK_MAX,
			      NODE_RANK_MAX - 1 },
	[ROW_QUANTIZE_AXIS] = { "quantize_axis", false, 1, -NODE_RANK_MAX,
				NODE_RANK_MAX - 1 },
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

static const struct input_row input_data = { "data", 0, true };
static const struct input_row input_scales = { "scales", 2, true };
static const struct input_row input_zero_points = { "zero_points", 3, false };

struct check {
	struct node_check node;
	struct weight *weight;
	int64_t quantize_axis;
	struct node_operand data;
};

static quire_status read_attributes(struct check *in)
{
	struct weight_value *value = &in->weight->value;
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status = quire_node_attributes(&in->node, attribute_rows,
						    ATTRIBUTE_COUNT, values);

	if (status != QUIRE_OK)
		return status;
	value->bits = (uint32_t)values[ROW_BITS];
	value->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	in->quantize_axis = values[ROW_QUANTIZE_AXIS];
	return quire_node_blocks(&in->node, value);
}

/* Blocks must lie along rows, which are those of the last dimension. */
static quire_status check_axis(const struct check *in)
{
	const int64_t rank = (int64_t)in->data.rank;

	if (rank < 2 || rank > NODE_RANK_MAX)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "data has %" PRId64
				       " dimensions; 2 to %d are supported",
				       rank, NODE_RANK_MAX);
	if (in->quantize_axis == -1 || in->quantize_axis == rank - 1)
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
			       "quantize_axis is %" PRId64
			       "; only the last dimension is supported",
			       in->quantize_axis);
}

/* How codes of the type of data are stored; sets how many are in an element. */
static quire_status read_type(const struct check *in, uint64_t *each)
{
	struct weight_value *value = &in->weight->value;
	const int32_t type = in->data.value->type;

	*each = 1;
	value->zero_point = middle_code(value->bits);
	if (type == ONNX_UINT8)
		*each = 8 / value->bits;
	else if (value->bits == 4 && type == ONNX_INT4)
		in->weight->storage.sign_bit = middle_code(4);
	else if (value->bits == 4 && type == ONNX_UINT4)
		value->zero_point = 0;
	else
		return quire_node_type(&in->node, &in->data, false,
				       "UINT8, or of 4 bits and INT4 or UINT4");
	return QUIRE_OK;
}

/* Rows that follow each other element by element, whatever the bytes. */
static struct element_order flat_order(uint64_t rows, uint64_t cols)
{
	return (struct element_order){
		.group = rows, .row_step = cols, .col_step = 1, .share = 1
	};
}

/* The type of data says how it is packed, its shape gives k and n. */
static quire_status read_data(struct check *in)
{
	struct weight_value *value = &in->weight->value;
	struct weight_constant *codes = &in->weight->storage.codes;
	struct node_operand *data = &in->data;
	quire_status status = quire_node_operand(&in->node, &input_data, data);
	uint64_t each;

	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, data);
	if (status == QUIRE_OK)
		status = check_axis(in);
	if (status != QUIRE_OK)
		return status;
	if (data->value->count == 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "data has no elements");
	status = read_type(in, &each);
	if (status != QUIRE_OK)
		return status;
	value->k = (uint64_t)data->dims[data->rank - 1] * each;
	quire_node_outer(data, value);
	value->blocks = (value->k - 1) / value->block_size + 1;
	codes->value = data->value;
	codes->row_size = packed_size(value->k, value->bits);
	if (data->value->type != ONNX_UINT8)
		codes->order = flat_order(value->n, value->k);
	in->weight->uses[WEIGHT_CODES] = data->use;
	return QUIRE_OK;
}

/* Scales and zero points have the shape of data with `last` at its end. */
static quire_status check_shape(const struct check *in,
				const struct node_operand *operand,
				uint64_t last)
{
	const struct node_operand *data = &in->data;
	const struct shape shape = { { in->weight->value.n, last, 1 } };
	bool same = operand->rank == data->rank;

	for (size_t i = 0; same && i + 1 < data->rank; i++)
		same = operand->dims[i] == data->dims[i];
	if (data->rank == 2 || !operand->has_shape)
		return quire_node_shape(&in->node, operand, &shape);
	if (same && (uint64_t)operand->dims[data->rank - 1] == last)
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
			       "%s does not have the shape of data, with "
			       "%" PRIu64 " at its end",
			       operand->name, last);
}

static quire_status read_scales(struct check *in)
{
	const uint64_t blocks = in->weight->value.blocks;
	struct weight_constant *scales = &in->weight->storage.scales;
	struct node_operand operand;
	quire_status status =
	    quire_node_operand(&in->node, &input_scales, &operand);
	int32_t type;

	if (status != QUIRE_OK)
		return status;
	type = operand.value->type;
	status = quire_node_type(&in->node, &operand, quire_onnx_is_float(type),
				 "a float type");
	if (status == QUIRE_OK)
		status = check_shape(in, &operand, blocks);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, &operand);
	if (status != QUIRE_OK)
		return status;
	scales->value = operand.value;
	scales->casts = operand.casts;
	in->weight->intent.type = operand.type;
	scales->row_size = (size_t)blocks * quire_onnx_type_bits(type) / 8;
	in->weight->uses[WEIGHT_SCALES] = operand.use;
	return QUIRE_OK;
}

static quire_status read_zero_points(struct check *in)
{
	const struct weight_value *value = &in->weight->value;
	struct weight_constant *zeros = &in->weight->storage.zero_points;
	const int32_t type = in->data.value->type;
	const size_t row_size = packed_size(value->blocks, value->bits);
	struct node_operand operand;
	quire_status status =
	    quire_node_operand(&in->node, &input_zero_points, &operand);

	if (status != QUIRE_OK || !operand.value)
		return status;
	status =
	    quire_node_type(&in->node, &operand, operand.value->type == type,
			    "of the type of data");
	if (status == QUIRE_OK)
		status =
		    check_shape(in, &operand,
				type == ONNX_UINT8 ? row_size : value->blocks);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, &operand);
	if (status != QUIRE_OK)
		return status;
	zeros->value = operand.value;
	zeros->row_size = row_size;
	if (type != ONNX_UINT8)
		zeros->order = flat_order(value->n, value->blocks);
	in->weight->uses[WEIGHT_ZERO_POINTS] = operand.use;
	return QUIRE_OK;
}

static quire_status read_node(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	static quire_status (*const steps[])(struct check *) = {
		read_attributes, read_data, read_scales, read_zero_points
	};
	struct weight read = { .node = node, .intent = { .no_linear = true } };
	struct check in = { .node = { model, node, error }, .weight = &read };
	quire_status status = quire_node_microsoft(&in.node);

	(void)index;
	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == QUIRE_OK; i++)
		status = steps[i](&in);
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

const struct weight_operator quire_operator_gather_block_quantized = {
	.op_type = "GatherBlockQuantized",
	.read = read_node,
};
