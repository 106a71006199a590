/*
 * node_weight.c - reads the quantized weight of a node: its sizes, and its
 * constants, whose sizes and types are checked here because nothing that runs
 * before does.
 */
#include <fp16.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "onnxruntime/provider.h"

/* A KiB of 4-bit codes: one page fault, or two. */
#define NEAR_CODES 2048
/* Codes in the order [K, N] lie together along N. */
#define NEAR_ROWS    64
#define NEAR_COLUMNS 32

enum {
	INPUT_B = 1,
	INPUT_SCALES = 2,
	INPUT_ZEROS = 3,
	INPUT_G_IDX = 4,
	INPUT_BIAS = 5,
	INPUT_C = 2, /* of Gemm */
};

static bool refuse(char **reason, const char *text)
{
	*reason = quire_ort_text("%s", text);
	return false;
}

/* --------------------------------------------------------------- attributes */

static int64_t integer(const OrtApi *api, const OrtNode *node, const char *name,
		       int64_t absent)
{
	const OrtOpAttr *attribute = NULL;
	int64_t value;
	size_t size;

	if (!quire_ort_ignore(
		api, api->Node_GetAttributeByName(node, name, &attribute)) ||
	    !attribute ||
	    !quire_ort_ignore(api,
			      api->ReadOpAttr(attribute, ORT_OP_ATTR_INT,
					      &value, sizeof(value), &size)))
		return absent;
	return value;
}

/* ---------------------------------------------------------------- constants */

static bool is_float(ONNXTensorElementDataType type)
{
	return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ||
	       type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 ||
	       type == ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16;
}

static float float_at(const struct node_constant *constant, uint64_t i)
{
	uint32_t bits;
	float value;

	switch (constant->type) {
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT:
		return load_f32(constant->data + 4 * i);
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16:
		return fp16_ieee_to_fp32_value(
		    load_u16(constant->data + 2 * i));
	default: /* BFLOAT16 */
		bits = (uint32_t)load_u16(constant->data + 2 * i) << 16;
		memcpy(&value, &bits, sizeof(value));
		return value;
	}
}

/* A code or packed zero point: the lowest bits of a byte come first. */
static float code_at(const struct node_constant *constant, uint32_t bits,
		     bool is_signed, uint64_t i)
{
	const uint64_t bit = i * bits;
	const uint32_t raw =
	    (uint32_t)constant->data[bit / 8] >> bit % 8 & ((1u << bits) - 1);
	const int half = 1 << (bits - 1);

	return is_signed && (int)raw >= half ? (float)((int)raw - 2 * half)
					     : (float)raw;
}

static uint64_t place(const struct node_order *order, uint64_t row,
		      uint64_t col)
{
	const uint64_t row_at =
	    order->row_group == 1 ? row : row / order->row_group;
	const uint64_t col_at =
	    order->col_group == 1 ? col : col / order->col_group;

	return row_at * order->row_step + col_at * order->col_step;
}

/* The column whose block this column is in: g_idx names blocks. */
static uint64_t block_column(const struct node_weight *weight, uint64_t col)
{
	if (!weight->g_idx.data)
		return col;
	return (uint64_t)load_u32(weight->g_idx.data + 4 * col) *
	       weight->scale_order.col_group;
}

void quire_node_weight_ranges(const struct node_weight *weight,
			      uint64_t first_row, uint64_t first_col,
			      uint64_t last_row, uint64_t last_col,
			      struct node_range *codes,
			      struct node_range *scales)
{
	const uint64_t size =
	    weight->scales.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? 4 : 2;

	codes->first =
	    place(&weight->code_order, first_row, first_col) * weight->bits / 8;
	codes->end =
	    place(&weight->code_order, last_row, last_col) * weight->bits / 8 +
	    1;
	scales->first =
	    place(&weight->scale_order, first_row, first_col) * size;
	scales->end =
	    (place(&weight->scale_order, last_row, last_col) + 1) * size;
}

float quire_node_weight_code(const struct node_weight *weight, uint64_t row,
			     uint64_t col)
{
	return code_at(&weight->codes, weight->bits, weight->is_signed,
		       place(&weight->code_order, row, col));
}

void quire_node_weight_codes(const struct node_weight *weight, uint64_t row,
			     uint64_t col, size_t count, float *codes)
{
	/* Each column has a code of its own: they are not grouped. */
	const uint64_t first = place(&weight->code_order, row, col);
	const uint64_t step = weight->code_order.col_step;
	size_t done = 0;

	/* The most frequent kind; compilers vectorize it. */
	if (weight->bits == 4 && !weight->is_signed && step == 1 &&
	    first % 2 == 0) {
		const unsigned char *bytes = weight->codes.data + first / 2;

		for (size_t i = 0; i < count / 2; i++) {
			codes[2 * i] = bytes[i] & 15;
			codes[2 * i + 1] = bytes[i] >> 4;
		}
		done = count / 2 * 2;
	}
	for (size_t i = done; i < count; i++)
		codes[i] = code_at(&weight->codes, weight->bits,
				   weight->is_signed, first + i * step);
}

float quire_node_weight_scale(const struct node_weight *weight, uint64_t row,
			      uint64_t col)
{
	return float_at(&weight->scales, place(&weight->scale_order, row,
					       block_column(weight, col)));
}

float quire_node_weight_zero(const struct node_weight *weight, uint64_t row,
			     uint64_t col)
{
	uint64_t i;

	if (!weight->zeros.data)
		return weight->default_zero;
	i = place(&weight->zero_order, row, block_column(weight, col));
	return is_float(weight->zeros.type)
		   ? float_at(&weight->zeros, i)
		   : code_at(&weight->zeros, weight->bits, weight->is_signed,
			     i);
}

bool quire_node_has_bias(const struct node_group *group)
{
	return group->inputs[group->dequantize ? INPUT_C : INPUT_BIAS] != NULL;
}

float quire_node_weight_bias(const struct node_weight *weight, uint64_t row)
{
	return float_at(&weight->bias, row);
}

/* -------------------------------------------------------------- MatMulNBits */

static bool check_g_idx(const struct node_weight *weight, uint64_t blocks)
{
	if (!weight->g_idx.data)
		return true;
	if (weight->g_idx.type != ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 ||
	    weight->g_idx.count < weight->k)
		return false;
	for (uint64_t col = 0; col < weight->k; col++)
		if (load_u32(weight->g_idx.data + 4 * col) >= blocks)
			return false;
	return true;
}

/* Codes, scales and zero points of n rows of `blocks`. */
static bool check_nbits(const struct node_weight *weight, uint64_t blocks,
			uint64_t block_size)
{
	const uint64_t packed = (blocks * weight->bits + 7) / 8;
	const bool floats = is_float(weight->zeros.type);
	uint64_t scales, codes, zeros;

	return checked_mul(weight->n, blocks, &scales) &&
	       checked_mul(scales, block_size / 8 * weight->bits, &codes) &&
	       checked_mul(weight->n, floats ? blocks : packed, &zeros) &&
	       weight->codes.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 &&
	       weight->codes.count == codes && is_float(weight->scales.type) &&
	       weight->scales.count == scales &&
	       (!weight->zeros.data ||
		((floats ||
		  weight->zeros.type == ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8) &&
		 weight->zeros.count == zeros)) &&
	       check_g_idx(weight, blocks) &&
	       (!weight->bias.data || (is_float(weight->bias.type) &&
				       weight->bias.count == weight->n));
}

static bool read_nbits_constants(struct model_files *files,
				 const struct node_group *group,
				 uint64_t block_size,
				 struct node_weight *weight, char **reason)
{
	const uint64_t blocks = (weight->k - 1) / block_size + 1;
	uint64_t packed_row;

	if (!quire_node_constant_read(files, group->inputs[INPUT_B],
				      &weight->codes) ||
	    !quire_node_constant_read(files, group->inputs[INPUT_SCALES],
				      &weight->scales) ||
	    !quire_node_constant_read(files, group->inputs[INPUT_ZEROS],
				      &weight->zeros) ||
	    !quire_node_constant_read(files, group->inputs[INPUT_G_IDX],
				      &weight->g_idx) ||
	    !quire_node_constant_read(files, group->inputs[INPUT_BIAS],
				      &weight->bias))
		return refuse(reason,
			      "a constant of it cannot be read, so that "
			      "it cannot be compared with the "
			      "container's (see option check)");
	if (!weight->codes.data || !weight->scales.data ||
	    !check_nbits(weight, blocks, block_size))
		return refuse(reason, "its constants have not the types and "
				      "sizes of a MatMulNBits");
	packed_row = (blocks * weight->bits + 7) / 8 * (8 / weight->bits);
	weight->code_order =
	    (struct node_order){ 1, blocks * block_size, 1, 1 };
	weight->scale_order = (struct node_order){ 1, blocks, block_size, 1 };
	weight->zero_order = (struct node_order){
		1, is_float(weight->zeros.type) ? blocks : packed_row,
		block_size, 1
	};
	weight->near_cols = weight->k < NEAR_CODES ? weight->k : NEAR_CODES;
	weight->near_rows = NEAR_CODES / weight->near_cols;
	return true;
}

static bool read_nbits(struct model_files *files,
		       const struct node_group *group, bool constants,
		       struct node_weight *weight, char **reason)
{
	const OrtApi *api = files->api;
	const OrtNode *node = group->nodes[0];
	const int64_t k = integer(api, node, "K", 0);
	const int64_t n = integer(api, node, "N", 0);
	const int64_t bits = integer(api, node, "bits", 4);
	const int64_t block_size = integer(api, node, "block_size", 0);

	if (k < 1 || n < 1 || (bits != 2 && bits != 4 && bits != 8) ||
	    block_size < 16 || (block_size & (block_size - 1)) != 0 ||
	    k > INT32_MAX || n > INT32_MAX || block_size > INT32_MAX ||
	    integer(api, node, "weight_prepacked", 0) != 0)
		return refuse(reason, "its K, N, bits, block_size or "
				      "weight_prepacked are not of the kinds "
				      "that are converted");
	weight->k = (uint64_t)k;
	weight->n = (uint64_t)n;
	weight->bits = (uint32_t)bits;
	weight->default_zero = (float)(1 << (bits - 1));
	weight->accuracy_level = integer(api, node, "accuracy_level", 0);
	weight->has_bias = quire_node_has_bias(group);
	weight->codes_name = quire_value_name(api, group->inputs[INPUT_B]);
	return !constants ||
	       read_nbits_constants(files, group, (uint64_t)block_size, weight,
				    reason);
}

/* --------------------------------------------------------- DequantizeLinear */

/* 0: not a type of codes. */
static uint32_t bits_of(ONNXTensorElementDataType type, bool *is_signed)
{
	*is_signed = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4 ||
		     type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8;
	switch (type) {
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT4:
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT4:
		return 4;
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8:
	case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8:
		return 8;
	default:
		return 0;
	}
}

/*
 * Where the scale of an element of x [d0, d1] is: one for all; one for each
 * index of an axis; or a matrix with blocks along an axis. Group and step of
 * dimension d are group[d], step[d].
 */
static bool order_scales(const struct node_constant *x,
			 const struct node_constant *scales, int64_t axis,
			 int64_t block_size, uint64_t group[2],
			 uint64_t step[2])
{
	const int64_t at = axis < 0 ? axis + 2 : axis;

	group[0] = group[1] = 1;
	step[0] = step[1] = 0;
	if (scales->count == 1 && block_size == 0)
		return true;
	if (at < 0 || at > 1 || block_size < 0)
		return false;
	if (block_size == 0) {
		step[at] = 1;
		return scales->rank == 1 && scales->count == x->shape[at];
	}
	group[at] = (uint64_t)block_size;
	if (scales->rank != 2 ||
	    scales->shape[at] != (x->shape[at] - 1) / group[at] + 1 ||
	    scales->shape[1 - at] != x->shape[1 - at])
		return false;
	step[0] = scales->shape[1];
	step[1] = 1;
	return true;
}

static struct node_order order_of(const uint64_t group[2],
				  const uint64_t step[2], bool rows_first)
{
	const int row = rows_first ? 0 : 1;

	return (struct node_order){ group[row], step[row], group[1 - row],
				    step[1 - row] };
}

/* `rows_first`: x is [N, K]; else it is [K, N]. */
static bool order_dequantize(const OrtApi *api, const struct node_group *group,
			     bool rows_first, struct node_weight *weight)
{
	const struct node_constant *x = &weight->codes;
	const uint64_t x_group[2] = { 1, 1 };
	const uint64_t x_step[2] = { x->shape[1], 1 };
	uint64_t groups[2], steps[2];

	if (!order_scales(x, &weight->scales,
			  integer(api, group->dequantize, "axis", 1),
			  integer(api, group->dequantize, "block_size", 0),
			  groups, steps) ||
	    !is_float(weight->scales.type) ||
	    (weight->zeros.data &&
	     (weight->zeros.type != x->type ||
	      weight->zeros.count != weight->scales.count)) ||
	    (weight->bias.data &&
	     (!is_float(weight->bias.type) || weight->bias.count != weight->n)))
		return false;
	weight->code_order = order_of(x_group, x_step, rows_first);
	weight->scale_order = order_of(groups, steps, rows_first);
	weight->zero_order = weight->scale_order;
	weight->near_rows = NEAR_ROWS;
	weight->near_cols = NEAR_COLUMNS;
	if (rows_first) {
		weight->near_cols =
		    weight->k < NEAR_CODES ? weight->k : NEAR_CODES;
		weight->near_rows = NEAR_CODES / weight->near_cols;
	}
	return true;
}

static bool read_dequantize(struct model_files *files,
			    const struct node_group *group,
			    struct node_weight *weight, char **reason)
{
	const OrtApi *api = files->api;
	const OrtValueInfo *inputs[3] = { NULL, NULL, NULL };
	const bool rows_first = group->transposed;
	size_t count = 0;

	if (!quire_ort_ignore(
		api, api->Node_GetNumInputs(group->dequantize, &count)) ||
	    count < 2 || count > 3 ||
	    !quire_ort_ignore(
		api, api->Node_GetInputs(group->dequantize, inputs, count)))
		return refuse(reason, "its DequantizeLinear cannot be read");
	if (!quire_value_name(api, inputs[2])[0])
		inputs[2] = NULL;
	weight->codes_name = quire_value_name(api, inputs[0]);
	weight->has_bias = quire_node_has_bias(group);
	if (!quire_node_constant_read(files, inputs[0], &weight->codes) ||
	    !quire_node_constant_read(files, inputs[1], &weight->scales) ||
	    !quire_node_constant_read(files, inputs[2], &weight->zeros) ||
	    !quire_node_constant_read(files, group->inputs[INPUT_C],
				      &weight->bias))
		return refuse(reason, "a constant of it cannot be read");
	weight->bits = bits_of(weight->codes.type, &weight->is_signed);
	if (weight->bits == 0 || weight->codes.rank != 2 ||
	    weight->codes.count == 0)
		return refuse(reason, "its x is not a matrix of 4- or 8-bit "
				      "integers");
	weight->n = weight->codes.shape[rows_first ? 0 : 1];
	weight->k = weight->codes.shape[rows_first ? 1 : 0];
	return order_dequantize(api, group, rows_first, weight)
		   ? true
		   : refuse(reason, "its constants have not the types and "
				    "sizes of a DequantizeLinear");
}

const char *quire_node_codes_name(const OrtApi *api,
				  const struct node_group *group)
{
	const OrtValueInfo *inputs[3] = { NULL, NULL, NULL };
	size_t count = 0;

	if (!group->dequantize)
		return quire_value_name(api, group->inputs[INPUT_B]);
	if (!quire_ort_ignore(
		api, api->Node_GetNumInputs(group->dequantize, &count)) ||
	    count > 3 ||
	    !quire_ort_ignore(
		api, api->Node_GetInputs(group->dequantize, inputs, count)))
		return "";
	return quire_value_name(api, inputs[0]);
}

bool quire_node_weight_read(struct model_files *files,
			    const struct node_group *group, bool constants,
			    struct node_weight *weight, char **reason)
{
	*weight = (struct node_weight){ .accuracy_level = 0 };
	return group->dequantize
		   ? read_dequantize(files, group, weight, reason)
		   : read_nbits(files, group, constants, weight, reason);
}
