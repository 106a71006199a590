/*
 * gather_block_quantized.c - reads and checks one GatherBlockQuantized node.
 * Data of UINT8 is packed as MatMulNBits packs it, around 2^(bits - 1) unless
 * zero points say otherwise; INT4 and UINT4 are a flat tensor around 0.
 */
#include <inttypes.h>
#include <string.h>

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
	struct node_part data;
};

static quire_status read_attributes(struct check *in)
{
	struct weight *weight = in->weight;
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status = quire_node_attributes(&in->node, attribute_rows,
						    ATTRIBUTE_COUNT, values);

	if (status != QUIRE_OK)
		return status;
	weight->bits = (uint32_t)values[ROW_BITS];
	weight->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	in->quantize_axis = values[ROW_QUANTIZE_AXIS];
	return quire_node_blocks(&in->node, weight);
}

/* Blocks must lie along rows, which are those of the last dimension. */
static quire_status check_axis(const struct check *in)
{
	const int64_t rank = (int64_t)in->data.rank;

	if (rank < 2 || rank > NODE_RANK_MAX)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "data has %" PRId64
				       " dimensions; 2 to %d are taken",
				       rank, NODE_RANK_MAX);
	if (in->quantize_axis == -1 || in->quantize_axis == rank - 1)
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
			       "quantize_axis is %" PRId64
			       "; blocks along the last dimension are taken",
			       in->quantize_axis);
}

/* What the type of data says of its codes. */
static quire_status read_type(const struct check *in, uint64_t *each)
{
	struct weight *weight = in->weight;
	const int32_t type = weight->codes->type;

	*each = 1;
	if (type == ONNX_UINT8) {
		*each = 8 / weight->bits;
	} else if (weight->bits == 4 &&
		   (type == ONNX_INT4 || type == ONNX_UINT4)) {
		weight->is_signed = type == ONNX_INT4;
		weight->zero_is_0 = true;
	} else {
		return quire_node_type(&in->node, &in->data, false,
				       "UINT8, or of 4 bits and INT4 or UINT4");
	}
	return QUIRE_OK;
}

/* Rows that follow each other element by element, whatever the bytes. */
static struct element_map flat_map(const struct weight *weight, uint64_t cols)
{
	return (struct element_map){
		.group = weight->n, .row_step = cols, .col_step = 1, .share = 1
	};
}

/* Data: its type says how it is packed, its shape what k and n are. */
static quire_status read_data(struct check *in)
{
	struct weight *weight = in->weight;
	struct node_part *data = &in->data;
	quire_status status = quire_node_part(&in->node, &input_data, data);
	uint64_t each;

	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, data);
	if (status == QUIRE_OK)
		status = check_axis(in);
	if (status != QUIRE_OK)
		return status;
	weight->codes = data->value;
	weight->uses[0] = data->use;
	if (data->value->count == 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "data has no elements");
	status = read_type(in, &each);
	if (status != QUIRE_OK)
		return status;
	weight->k = (uint64_t)data->dims[data->rank - 1] * each;
	quire_node_outer(data, weight);
	weight->blocks = (weight->k - 1) / weight->block_size + 1;
	weight->code_row_size = (size_t)((weight->k * weight->bits + 7) / 8);
	if (data->value->type != ONNX_UINT8)
		weight->code_map = flat_map(weight, weight->k);
	return QUIRE_OK;
}

/* The shape of scales or zero points, which is that of data but for `last`. */
static quire_status check_shape(const struct check *in,
				const struct node_part *part, uint64_t last)
{
	const struct node_part *data = &in->data;
	struct shape shape = { { in->weight->n, last, 1 } };
	bool same = part->rank == data->rank;

	for (size_t i = 0; same && i + 1 < data->rank; i++)
		same = part->dims[i] == data->dims[i];
	if (data->rank == 2 || !part->has_shape)
		return quire_node_shape(&in->node, part, &shape);
	if (same && (uint64_t)part->dims[data->rank - 1] == last)
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
			       "%s does not have the shape of data, with "
			       "%" PRIu64 " at its end",
			       part->name, last);
}

static quire_status read_scales(struct check *in)
{
	struct weight *weight = in->weight;
	struct node_part part;
	quire_status status = quire_node_part(&in->node, &input_scales, &part);

	if (status == QUIRE_OK)
		status = quire_node_type(&in->node, &part,
					 quire_onnx_is_float(part.value->type),
					 "a float type");
	if (status == QUIRE_OK)
		status = check_shape(in, &part, weight->blocks);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, &part);
	if (status != QUIRE_OK)
		return status;
	weight->scales = part.value;
	weight->uses[1] = part.use;
	weight->scale_row_size =
	    (size_t)weight->blocks * quire_onnx_type_bits(part.value->type) / 8;
	return QUIRE_OK;
}

static quire_status read_zero_points(struct check *in)
{
	struct weight *weight = in->weight;
	const bool packed = weight->codes->type == ONNX_UINT8;
	const size_t row_size =
	    (size_t)((weight->blocks * weight->bits + 7) / 8);
	struct node_part part;
	quire_status status =
	    quire_node_part(&in->node, &input_zero_points, &part);

	if (status != QUIRE_OK || !part.value)
		return status;
	status = quire_node_type(&in->node, &part,
				 part.value->type == weight->codes->type,
				 "of the type of data");
	if (status == QUIRE_OK)
		status =
		    check_shape(in, &part, packed ? row_size : weight->blocks);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, &part);
	weight->zero_points = part.value;
	weight->uses[2] = part.use;
	weight->zero_row_size = row_size;
	if (!packed)
		weight->zero_map = flat_map(weight, weight->blocks);
	return status;
}

static quire_status read_node(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	static quire_status (*const steps[])(struct check *) = {
		read_attributes, read_data, read_scales, read_zero_points
	};
	struct weight read = { .node = node, .no_linear = true };
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
