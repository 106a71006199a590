/*
 * operators.c - finds the operator that a node is, in the list of them.
 */
#include <string.h>

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
