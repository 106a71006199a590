/*
 * dequantized_matmul.c - the weight of a MatMul or Gemm whose B comes from a
 * DequantizeLinear, transposed or not. Only such a weight has a linear, and the
 * container need not keep its shape.
 */
#include <string.h>

#include "convert/operators/dequantize.h"

/* The most nodes between a MatMul and its DequantizeLinear. There is a limit
 * because nodes of a malformed model may form a cycle. */
#define MAX_STEPS 8

static bool swaps_two(const struct onnx_node *node)
{
	const struct onnx_attribute *perm = quire_onnx_attribute(node, "perm");

	return !perm || (perm->is_ints && perm->int_count == 2 &&
			 perm->ints[0] == 1 && perm->ints[1] == 0);
}

/* The DequantizeLinear that B of a MatMul or Gemm comes from, or NULL; and
 * whether B is its output or that transposed. */
static const struct onnx_node *find_source(const struct onnx_model *model,
					   const struct onnx_node *node,
					   bool *swapped)
{
	const struct onnx_node *at = node;
	size_t input = 1;

	*swapped = false;
	for (int step = 0; step < MAX_STEPS; step++) {
		if (input >= at->input_count)
			return NULL;
		at = quire_onnx_producer(
		    model,
		    quire_onnx_find(model, at->scope, at->inputs[input]));
		if (!at || quire_dequantize_is(at))
			return at;
		if (!quire_onnx_is(at, "Transpose") || !swaps_two(at))
			return NULL;
		*swapped = !*swapped;
		input = 0;
	}
	return NULL;
}

static bool is_matmul(const struct onnx_model *model,
		      const struct onnx_node *node)
{
	const struct onnx_node *source;
	bool swapped;

	if (!quire_onnx_is(node, "MatMul") && !quire_onnx_is(node, "Gemm"))
		return false;
	source = find_source(model, node, &swapped);
	return source && quire_dequantize_holds_weight(model, source);
}

static bool is_one(const struct onnx_node *node, const char *name)
{
	const struct onnx_attribute *found = quire_onnx_attribute(node, name);

	return !found || (found->is_float && found->f == 1);
}

/* Why a Gemm does not compute y = x W^T + bias, or NULL; finds the bias. */
static const char *check_gemm(const struct onnx_model *model,
			      struct weight *weight)
{
	const struct onnx_node *node = weight->node;
	const struct onnx_value *c = NULL;

	if (!is_one(node, "alpha"))
		return "alpha of the Gemm is not 1, so there is no linear";
	if (quire_onnx_integer(node, "transA", 0) != 0)
		return "transA of the Gemm is not 0, so there is no linear";
	if (node->input_count < 3 || node->inputs[2][0] == '\0')
		return NULL;
	c = quire_onnx_find(model, node->scope, node->inputs[2]);
	if (!is_one(node, "beta") || !c || c->origin != ONNX_CONSTANT ||
	    c->sparse || !quire_onnx_is_float(c->type) || c->rank != 1 ||
	    c->count != weight->value.n)
		return "C of the Gemm is not a bias, so there is no linear";
	weight->intent.bias = c;
	return NULL;
}

static quire_status read_node(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	const bool gemm = quire_onnx_is(node, "Gemm");
	struct weight read = { .node = node };
	struct node_check source = { .model = model, .error = error };
	bool swapped;
	quire_status status;

	(void)index;
	source.node = find_source(model, node, &swapped);
	if (gemm && quire_onnx_integer(node, "transB", 0) != 0)
		swapped = !swapped;
	/* B is [K, N], and W has a row for each of N. */
	status = quire_dequantize_read(
	    &source, swapped ? DEQUANTIZE_MATRIX : DEQUANTIZE_TRANSPOSED,
	    &read);
	if (status != QUIRE_OK)
		return status;
	if (gemm)
		read.intent.note = check_gemm(model, &read);
	read.intent.no_linear = read.intent.note != NULL;
	*weight = read;
	return QUIRE_OK;
}

const struct weight_operator quire_operator_dequantized_matmul = {
	.is = is_matmul,
	.read = read_node,
};
