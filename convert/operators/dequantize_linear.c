/*
 * dequantize_linear.c - constants that a DequantizeLinear turns into floats:
 * rows that a Gather before it has looked up, or any other tensor.
 */
#include <string.h>

#include "convert/operators/dequantize.h"

bool quire_dequantize_is(const struct onnx_node *node)
{
	return strcmp(node->op_type, "DequantizeLinear") == 0;
}

bool quire_dequantize_type(int32_t type)
{
	switch (type) {
	case ONNX_INT2:
	case ONNX_UINT2:
	case ONNX_INT4:
	case ONNX_UINT4:
	case ONNX_INT8:
	case ONNX_UINT8:
		return true;
	default:
		return false;
	}
}

static const struct onnx_value *input_of(const struct onnx_model *model,
					 const struct onnx_node *node)
{
	return node->input_count > 0
		   ? quire_onnx_find(model, node->scope, node->inputs[0])
		   : NULL;
}

/* Activations are never quantized in blocks or to less than 8 bits. An x that
 * does not exist passes: reading it reports what is wrong. */
bool quire_dequantize_holds_weight(const struct onnx_model *model,
				   const struct onnx_node *node)
{
	const struct onnx_value *x = quire_unwrap(model, input_of(model, node));

	if (x && x->origin == ONNX_CONSTANT)
		return quire_dequantize_type(x->type);
	return !x || quire_onnx_integer(node, "block_size", 0) != 0 ||
	       (quire_dequantize_type(x->type) &&
		quire_onnx_type_bits(x->type) < 8);
}

/* --------------------------------------------------------------- operators */

static bool is_rows(const struct onnx_model *model,
		    const struct onnx_node *node)
{
	const struct onnx_node *gather;
	const struct onnx_value *rows;

	if (!quire_dequantize_is(node))
		return false;
	gather = quire_onnx_producer(
	    model, quire_unwrap(model, input_of(model, node)));
	if (!gather || !quire_onnx_is(gather, "Gather"))
		return false;
	rows = quire_unwrap(model, input_of(model, gather));
	return rows && rows->origin == ONNX_CONSTANT &&
	       quire_dequantize_type(rows->type);
}
static quire_status read_rows(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	const struct node_check in = { model, node, error };
	struct weight read = { .node = node, .intent = { .no_linear = true } };
	const quire_status status =
	    quire_dequantize_read(&in, DEQUANTIZE_GATHERED, NULL, &read);

	(void)index;
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

const struct weight_operator quire_operator_dequantized_rows = {
	.is = is_rows,
	.read = read_rows,
};

static bool is_tensor(const struct onnx_model *model,
		      const struct onnx_node *node)
{
	return quire_dequantize_is(node) &&
	       quire_dequantize_holds_weight(model, node);
}

static quire_status read_tensor(const struct onnx_model *model,
				const struct onnx_node *node, size_t index,
				struct weight *weight, quire_error *error)
{
	const struct node_check in = { model, node, error };
	struct weight read = { .node = node,
			       .intent = { .no_linear = true,
					   .no_padding = true } };
	const quire_status status =
	    quire_dequantize_read(&in, DEQUANTIZE_TENSOR, NULL, &read);

	(void)index;
	if (status == QUIRE_OK)
		*weight = read;
	return status;
}

const struct weight_operator quire_operator_dequantized_tensor = {
	.is = is_tensor,
	.read = read_tensor,
	.late = true,
};
