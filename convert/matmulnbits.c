/*
 * matmulnbits.c - reads and checks one MatMulNBits node. Rows of its weight
 * are in matmulnbits_rows.c; what they become is not known here.
 */
#include "convert/matmulnbits.h"

#include <inttypes.h>
#include <string.h>

#include "convert/node_check.h"
#include "convert/onnx_tensor.h"
#include "format/bytes.h"

struct check {
	struct node_check node;
	struct matmulnbits *weight;
};

/* Block sizes are far below this; it keeps k * blocks * bits in range. */
#define MAX_BLOCK_SIZE (UINT64_C(1) << 31)

bool quire_matmulnbits_is(const struct onnx_node *node)
{
	return strcmp(node->op_type, "MatMulNBits") == 0;
}

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

static quire_status read_attributes(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
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
	if (weight->block_size & (weight->block_size - 1))
		return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
				       "block_size %" PRIu64
				       " is not a power of two",
				       weight->block_size);
	if (weight->bits != 2 && weight->bits != 4 && weight->bits != 8)
		return quire_node_fail(
		    &in->node, QUIRE_ERROR_UNSUPPORTED,
		    "bits is %" PRIu32 "; 2, 4 and 8 are taken", weight->bits);
	if (values[ROW_PREPACKED] != 0)
		return quire_node_fail(
		    &in->node, QUIRE_ERROR_UNSUPPORTED,
		    "weight_prepacked is %" PRId64 ": the layout of "
		    "one device, from which the weight cannot be had",
		    values[ROW_PREPACKED]);
	return QUIRE_OK;
}

/* Numbers and bytes of a row, none of which may overflow. */
static quire_status measure(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
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

static quire_status read_codes(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	const struct shape shape = { { weight->n, weight->blocks,
				       weight->code_row_size /
					   weight->blocks } };
	quire_status status =
	    quire_node_input(&in->node, &input_b, &weight->codes);

	if (status != QUIRE_OK)
		return status;
	status = quire_node_type(&in->node, input_b.name, weight->codes,
				 weight->codes->type == ONNX_UINT8, "UINT8");
	return status == QUIRE_OK ? quire_node_shape(&in->node, input_b.name,
						     weight->codes, &shape)
				  : status;
}

static quire_status read_scales(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	const struct shape shape = { { weight->n, weight->blocks, 1 } };
	quire_status status =
	    quire_node_input(&in->node, &input_scales, &weight->scales);

	if (status != QUIRE_OK)
		return status;
	weight->scale_row_size = (size_t)weight->blocks *
				 quire_onnx_type_bits(weight->scales->type) / 8;
	status = quire_node_type(&in->node, input_scales.name, weight->scales,
				 quire_onnx_is_float(weight->scales->type),
				 "a float type");
	return status == QUIRE_OK
		   ? quire_node_shape(&in->node, input_scales.name,
				      weight->scales, &shape)
		   : status;
}

/* Packed as the codes are, or one float for each block. */
static quire_status read_zero_points(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	struct shape shape = { { weight->n, weight->zero_row_size, 1 } };
	const struct onnx_value *value;
	quire_status status = quire_node_input(&in->node, &input_zero_points,
					       &weight->zero_points);

	value = weight->zero_points;
	if (!value)
		weight->zero_row_size = 0;
	if (status != QUIRE_OK || !value)
		return status;
	if (quire_onnx_is_float(value->type)) {
		weight->zero_row_size = (size_t)weight->blocks *
					quire_onnx_type_bits(value->type) / 8;
		shape.dims[1] = weight->blocks;
	}
	status = quire_node_type(&in->node, input_zero_points.name, value,
				 value->type == ONNX_UINT8 ||
				     quire_onnx_is_float(value->type),
				 "UINT8 or a float type");
	return status == QUIRE_OK
		   ? quire_node_shape(&in->node, input_zero_points.name, value,
				      &shape)
		   : status;
}

/* An optional vector of either of two lengths. */
static quire_status check_vector(const struct check *in, const char *name,
				 const struct onnx_value *value, uint64_t size,
				 uint64_t other_size)
{
	if (!value->has_shape ||
	    (value->rank == 1 &&
	     (value->dims[0] == -1 || (uint64_t)value->dims[0] == size ||
	      (uint64_t)value->dims[0] == other_size)))
		return QUIRE_OK;
	return quire_node_fail(&in->node, QUIRE_ERROR_LAYOUT,
			       "%s is not a vector of %" PRIu64 " elements",
			       name, size);
}

static quire_status read_g_idx(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	quire_status status =
	    quire_node_input(&in->node, &input_g_idx, &weight->g_idx);

	if (status != QUIRE_OK || !weight->g_idx)
		return status;
	status = quire_node_type(&in->node, input_g_idx.name, weight->g_idx,
				 weight->g_idx->type == ONNX_INT32, "INT32");
	return status == QUIRE_OK
		   ? check_vector(in, input_g_idx.name, weight->g_idx,
				  weight->k,
				  weight->blocks * weight->block_size)
		   : status;
}

static quire_status read_bias(const struct check *in)
{
	struct matmulnbits *weight = in->weight;
	quire_status status =
	    quire_node_input(&in->node, &input_bias, &weight->bias);

	if (status != QUIRE_OK || !weight->bias)
		return status;
	status = quire_node_type(&in->node, input_bias.name, weight->bias,
				 quire_onnx_is_float(weight->bias->type),
				 "a float type");
	return status == QUIRE_OK
		   ? check_vector(in, input_bias.name, weight->bias, weight->n,
				  weight->n)
		   : status;
}

static quire_status check_constants(const struct check *in)
{
	const struct matmulnbits *weight = in->weight;
	quire_status status =
	    quire_node_constant(&in->node, input_b.name, weight->codes);

	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, input_scales.name,
					     weight->scales);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, input_zero_points.name,
					     weight->zero_points);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, input_g_idx.name,
					     weight->g_idx);
	if (status == QUIRE_OK)
		status = quire_node_constant(&in->node, input_bias.name,
					     weight->bias);
	return status;
}

static quire_status check_node(const struct check *in)
{
	const struct onnx_node *node = in->weight->node;

	if (strcmp(node->domain, "com.microsoft") != 0)
		return quire_node_fail(&in->node, QUIRE_ERROR_UNSUPPORTED,
				       "of the domain '%s', not com.microsoft",
				       node->domain);
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

quire_status quire_matmulnbits_read(const struct onnx_model *model,
				    const struct onnx_node *node,
				    struct matmulnbits *weight,
				    quire_error *error)
{
	static quire_status (*const steps[])(const struct check *) = {
		check_node, read_attributes, measure,
		read_codes, read_scales,     read_zero_points,
		read_g_idx, read_bias,	     check_constants,
	};
	struct matmulnbits read = { .node = node };
	const struct check in = { { model, node, error }, &read };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const quire_status status = steps[i](&in);

		if (status != QUIRE_OK)
			return status;
	}
	*weight = read;
	return QUIRE_OK;
}
