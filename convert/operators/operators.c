/*
 * operators.c - finds the operator that a node is, in the list of them; and
 * knows the operators with quantized weights that the converter does not read,
 * and which of their inputs the weight is.
 */
#include <string.h>

#include "base/error.h"
#include "convert/operators/operators.h"

#define OPERATOR_ADDRESS(name) &quire_operator_##name,
static const struct weight_operator *const operators[] = { OPERATORS(
    OPERATOR_ADDRESS) };
#undef OPERATOR_ADDRESS

static bool matches(const struct weight_operator *row,
		    const struct onnx_model *model,
		    const struct onnx_node *node)
{
	return row->op_type ? strcmp(node->op_type, row->op_type) == 0
			    : row->is(model, node);
}

const struct weight_operator *quire_operator_of(const struct onnx_model *model,
						const struct onnx_node *node)
{
	const size_t count = sizeof(operators) / sizeof(operators[0]);

	for (size_t i = 0; i < count; i++)
		if (matches(operators[i], model, node))
			return operators[i];
	return NULL;
}

size_t quire_operator_count(const struct weight_operator *found,
			    const struct onnx_node *node)
{
	return found->count ? found->count(node) : 1;
}

/* ------------------------------------------------------------- unsupported */

static const struct unsupported {
	const char *op_type;
	size_t weight; /* among the inputs */
	bool always;   /* the input is never an activation */
} unsupported_rows[] = {
	{ "MatMulFpQ4", 1, true },
	/* These may have an activation there. */
	{ "ConvInteger", 1, false },
	{ "DequantizeLinear", 0, false },
	{ "DynamicQuantizeMatMul", 1, false },
	{ "MatMulInteger", 1, false },
	{ "MatMulIntegerToFloat", 1, false },
	{ "QAttention", 1, false },
	{ "QGemm", 3, false },
	{ "QLinearConv", 3, false },
	{ "QLinearMatMul", 3, false },
};

static const struct unsupported *find_unsupported(const struct onnx_node *node)
{
	const size_t count =
	    sizeof(unsupported_rows) / sizeof(unsupported_rows[0]);

	for (size_t i = 0; i < count; i++)
		if (strcmp(node->op_type, unsupported_rows[i].op_type) == 0)
			return &unsupported_rows[i];
	return NULL;
}

/* A constant of one dimension is a bias, a number of the graph. */
static bool holds_weight(const struct unsupported *row,
			 const struct onnx_value *value)
{
	if (row->always)
		return true;
	return value && value->origin == ONNX_CONSTANT && value->rank >= 2;
}

quire_status quire_unsupported_check(const struct onnx_model *model,
				     const struct onnx_node *node,
				     quire_error *error)
{
	const struct unsupported *row = find_unsupported(node);
	const struct onnx_value *value = NULL;
	const char *name = "";

	if (!row)
		return QUIRE_OK;
	if (row->weight < node->input_count)
		name = node->inputs[row->weight];
	if (name[0])
		value = quire_onnx_find(model, node->scope, name);
	if (!holds_weight(row, value))
		return QUIRE_OK;
	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "node '%s' (%s): its quantized weight '%s', %s, "
			  "cannot be converted",
			  quire_onnx_label(node), node->op_type, name,
			  quire_onnx_type_name(value ? value->type : 0));
}
