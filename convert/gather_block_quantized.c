/*
 * gather_block_quantized.c - reads and checks one GatherBlockQuantized node.
 * Data of UINT8 is packed as MatMulNBits packs it, around 2^(bits - 1) unless
 * zero points say otherwise; INT4 and UINT4 are a flat tensor around 0.
 */
#include "convert/gather_block_quantized.h"

#include <inttypes.h>
#include <string.h>

#include "convert/node_check.h"
#include "convert/onnx_tensor.h"

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
	[ROW_GATHER_AXIS] = { "gather_axis", false, 0, -2, 1 },
	[ROW_QUANTIZE_AXIS] = { "quantize_axis", false, 1, -2, 1 },
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

static const struct input_row input_data = { "data", 0, true };
static const struct input_row input_scales = { "scales", 2, true };
static const struct input_row input_zero_points = { "zero_points", 3, false };

struct check {
	struct node_check node;
	struct matmulnbits *weight;
};

bool quire_gather_is(const struct onnx_node *node)
{
	return strcmp(node->op_type, "GatherBlockQuantized") == 0;
}

static quire_status read_attributes(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status = quire_node_attributes(&in->node, attribute_rows,
						    ATTRIBUTE_COUNT, values);

	if (status != QUIRE_OK)
		return status;
	weight->bits = (uint32_t)values[ROW_BITS];
	weight->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	if (weight->block_size & (weight->block_size - 1))
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "block_size %" PRIu64
				       " is not a power of two",
				       weight->block_size);
	if (weight->bits != 2 && weight->bits != 4 && weight->bits != 8)
		return quire_node_fail(
		    &in->node, QUIRE_ERROR_UNSUPPORTED,
		    "bits is %" PRIu32 "; 2, 4 and 8 are taken", weight->bits);
	if (values[ROW_QUANTIZE_AXIS] != 1 && values[ROW_QUANTIZE_AXIS] != -1)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "quantize_axis is %" PRId64
				       "; blocks along the rows are taken",
				       values[ROW_QUANTIZE_AXIS]);
	return QUIRE_OK;
}

/* Data: its type says how it is packed, its shape what k and n are. */
static quire_status read_data(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	const struct onnx_value *data;
	quire_status status =
	    quire_node_input(&in->node, &input_data, &weight->codes);
	uint64_t each = 1;

	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, input_data.name,
					     weight->codes);
	if (status != QUIRE_OK)
		return status;
	data = weight->codes;
	if (data->rank != 2 || data->count == 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "data is not a matrix");
	if (data->type == ONNX_UINT8) {
		each = 8 / weight->bits;
	} else if (weight->bits == 4 &&
		   (data->type == ONNX_INT4 || data->type == ONNX_UINT4)) {
		weight->layout = LAYOUT_FLAT;
		weight->is_signed = data->type == ONNX_INT4;
		weight->zero_is_0 = true;
	} else {
		return quire_node_type(&in->node, input_data.name, data, false,
				       "UINT8, or of 4 bits and INT4 or UINT4");
	}
	weight->n = (uint64_t)data->dims[0];
	weight->k = (uint64_t)data->dims[1] * each;
	weight->blocks = (weight->k - 1) / weight->block_size + 1;
	weight->code_row_size = (size_t)((weight->k * weight->bits + 7) / 8);
	return QUIRE_OK;
}

static quire_status read_scales(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	const struct shape shape = { { weight->n, weight->blocks, 1 } };
	quire_status status =
	    quire_node_input(&in->node, &input_scales, &weight->scales);

	if (status == QUIRE_OK)
		status = quire_node_type(
		    &in->node, input_scales.name, weight->scales,
		    quire_onnx_is_float(weight->scales->type), "a float type");
	if (status == QUIRE_OK)
		status = quire_node_shape(&in->node, input_scales.name,
					  weight->scales, &shape);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, input_scales.name,
					     weight->scales);
	if (status == QUIRE_OK)
		weight->scale_row_size =
		    (size_t)weight->blocks *
		    quire_onnx_type_bits(weight->scales->type) / 8;
	return status;
}

static quire_status read_zero_points(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	const bool packed = weight->layout == LAYOUT_ROWS;
	const size_t row_size =
	    (size_t)((weight->blocks * weight->bits + 7) / 8);
	const struct shape shape = {
		{ weight->n, packed ? row_size : weight->blocks, 1 }
	};
	const struct onnx_value *value;
	quire_status status = quire_node_input(&in->node, &input_zero_points,
					       &weight->zero_points);

	value = weight->zero_points;
	if (status != QUIRE_OK || !value)
		return status;
	weight->zero_row_size = row_size;
	status = quire_node_type(&in->node, input_zero_points.name, value,
				 value->type == weight->codes->type,
				 "of the type of data");
	if (status == QUIRE_OK)
		status = quire_node_shape(&in->node, input_zero_points.name,
					  value, &shape);
	return status == QUIRE_OK
		   ? quire_node_constant(&in->node, input_zero_points.name,
					 value)
		   : status;
}

quire_status quire_gather_read(const struct onnx_model *model,
			       const struct onnx_node *node,
			       struct matmulnbits *weight, quire_error *error)
{
	static quire_status (*const steps[])(const struct check *) = {
		read_attributes, read_data, read_scales, read_zero_points
	};
	struct matmulnbits read = { .node = node, .no_linear = true };
	const struct check in = { { model, node, error }, &read };

	if (strcmp(node->domain, "com.microsoft") != 0)
		return quire_node_fail(&in.node, QUIRE_ERROR_UNSUPPORTED,
				       "of the domain '%s', not com.microsoft",
				       node->domain);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const quire_status status = steps[i](&in);

		if (status != QUIRE_OK)
			return status;
	}
	*weight = read;
	return QUIRE_OK;
}
