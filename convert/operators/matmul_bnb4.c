/*
 * matmul_bnb4.c - the weight of one com.microsoft.MatMulBnb4 node, as
 * bitsandbytes quantizes: a codebook of 16 numbers says what a code of 4 bits
 * means, times the greatest magnitude of its block. So no block type of the
 * container holds it. Blocks are cut from the flattened [N, K], so one may
 * reach into the next row, and the high half of a byte comes first. After ONNX
 * Runtime's ContribOperators.md and blockwise_quant_block_bnb4.h.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "convert/operators/node_check.h"
#include "convert/operators/operators.h"

/* FP4: a sign, two bits of exponent and one of mantissa, divided by the
 * greatest such number, 12: 0, 1/192, 1/6, 1/4, 1/3, 1/2, 2/3 and 1. The
 * decimals are those of ONNX Runtime, as f32. */
static const float fp4[16] = {
	0.0f,	      5.208333333e-03f,
	0.66666667f,  1.0f,
	0.33333333f,  0.5f,
	0.16666667f,  0.25f,
	-0.0f,	      -5.208333333e-03f,
	-0.66666667f, -1.0f,
	-0.33333333f, -0.5f,
	-0.16666667f, -0.25f,
};

/* NF4: quantiles of the normal distribution (arXiv 2305.14314, appendix E). */
static const float nf4[16] = {
	-1.0f,
	-0.6961928009986877f,
	-0.5250730514526367f,
	-0.39491748809814453f,
	-0.28444138169288635f,
	-0.18477343022823334f,
	-0.09105003625154495f,
	0.0f,
	0.07958029955625534f,
	0.16093020141124725f,
	0.24611230194568634f,
	0.33791524171829224f,
	0.44070982933044434f,
	0.5626170039176941f,
	0.7229568362236023f,
	1.0f,
};

enum {
	ROW_K,
	ROW_N,
	ROW_BLOCK_SIZE,
	ROW_QUANT_TYPE,
	ROW_TRANS_B,
	ROW_TRAINING
};

static const struct attribute_row attribute_rows[] = {
	[ROW_K] = { "K", true, 0, 1, INT64_MAX },
	[ROW_N] = { "N", true, 0, 1, INT64_MAX },
	[ROW_BLOCK_SIZE] = { "block_size", true, 0, 16, INT64_C(1) << 31 },
	[ROW_QUANT_TYPE] = { "quant_type", true, 0, 0, 1 },
	[ROW_TRANS_B] = { "transB", false, 1, 0, 1 },
	[ROW_TRAINING] = { "training_mode", false, 0, 0, 1 },
};

#define ATTRIBUTE_COUNT (sizeof(attribute_rows) / sizeof(attribute_rows[0]))

static const struct input_row input_b = { "B", 1, true };
static const struct input_row input_absmax = { "absmax", 2, true };

static quire_status read_attributes(const struct node_check *in,
				    struct weight_value *value)
{
	int64_t values[ATTRIBUTE_COUNT];
	quire_status status =
	    quire_node_attributes(in, attribute_rows, ATTRIBUTE_COUNT, values);

	if (status != QUIRE_OK)
		return status;
	value->k = (uint64_t)values[ROW_K];
	quire_node_matrix((uint64_t)values[ROW_N], value);
	value->bits = 4;
	value->zero_point = middle_code(4); /* no codebook uses it */
	value->block_size = (uint64_t)values[ROW_BLOCK_SIZE];
	value->codebook = values[ROW_QUANT_TYPE] == 0 ? fp4 : nf4;
	status = quire_node_blocks(in, value);
	if (status == QUIRE_OK && values[ROW_TRANS_B] == 0)
		return quire_node_fail(in, QUIRE_ERROR_UNSUPPORTED,
				       "transB is 0, as in training; only 1 is "
				       "supported");
	return status;
}

/* Blocks of a row where they end with it; else each column finds its own. */
static void set_orders(struct weight *weight)
{
	struct weight_value *value = &weight->value;
	struct weight_constant *codes = &weight->storage.codes;

	codes->row_size = packed_size(value->k, value->bits);
	codes->order = (struct element_order){ .group = value->n,
					       .row_step = value->k,
					       .col_step = 1,
					       .share = 1,
					       .swap = 1 };
	if (value->k % value->block_size == 0) {
		value->blocks = value->k / value->block_size;
		return;
	}
	weight->storage.scales.order =
	    (struct element_order){ .group = value->n,
				    .row_step = value->k,
				    .col_step = 1,
				    .share = value->block_size };
	value->block_size = 1;
	value->blocks = value->k;
}

static quire_status read_inputs(const struct node_check *in,
				struct weight *weight)
{
	const struct weight_value *value = &weight->value;
	struct node_operand codes;
	struct node_operand scales;
	struct shape shape = { { 0, 1, 1 } };
	uint64_t count;
	quire_status status = quire_node_operand(in, &input_b, &codes);

	if (status != QUIRE_OK)
		return status;
	if (!checked_mul(value->k, value->n, &count) || count > UINT64_MAX / 8)
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "K or N is out of range");
	weight->storage.codes.value = codes.value;
	weight->uses[WEIGHT_CODES] = codes.use;
	status = quire_node_type(in, &codes, codes.value->type == ONNX_UINT8,
				 "UINT8");
	shape.dims[0] = (count + 1) / 2;
	if (status == QUIRE_OK)
		status = quire_node_shape(in, &codes, &shape);
	if (status != QUIRE_OK)
		return status;
	shape.dims[0] = (count - 1) / value->block_size + 1;
	set_orders(weight);
	status = quire_node_scales(in, &input_absmax, &shape, weight, &scales);
	if (status == QUIRE_OK)
		status = quire_node_constant(in, &codes);
	return status == QUIRE_OK ? quire_node_constant(in, &scales) : status;
}

static quire_status read_node(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	struct weight read = { .node = node };
	const struct node_check in = { model, node, error };
	quire_status status = quire_node_microsoft(&in);

	(void)index;
	if (status == QUIRE_OK)
		status = read_attributes(&in, &read.value);
	if (status == QUIRE_OK)
		status = read_inputs(&in, &read);
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

const struct weight_operator quire_operator_matmul_bnb4 = {
	.op_type = "MatMulBnb4",
	.read = read_node,
};
