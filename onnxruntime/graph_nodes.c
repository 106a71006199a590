/*
 * graph_nodes.c - the nodes of a graph that multiply by quantized weights:
 * MatMulNBits, and MatMul or Gemm behind a DequantizeLinear that nothing else
 * reads.
 */
#include <string.h>

#include "onnxruntime/provider.h"

/* The most inputs that a node has. */
#define INPUT_COUNT 6

const char *quire_value_name(const OrtApi *api, const OrtValueInfo *value)
{
	const char *name = NULL;

	if (!value ||
	    !quire_ort_ignore(api, api->GetValueInfoName(value, &name)) ||
	    !name)
		return "";
	return name;
}

static bool is_op(const OrtApi *api, const OrtNode *node, const char *domain,
		  const char *type)
{
	const char *actual_type = NULL;
	const char *actual_domain = NULL;

	return quire_ort_ignore(
		   api, api->Node_GetOperatorType(node, &actual_type)) &&
	       quire_ort_ignore(api,
				api->Node_GetDomain(node, &actual_domain)) &&
	       strcmp(actual_type, type) == 0 &&
	       (strcmp(actual_domain, domain) == 0 ||
		(!domain[0] && strcmp(actual_domain, "ai.onnx") == 0));
}

const OrtTensorTypeAndShapeInfo *quire_value_tensor(const OrtApi *api,
						    const OrtValueInfo *value)
{
	const OrtTypeInfo *type = NULL;
	const OrtTensorTypeAndShapeInfo *tensor = NULL;

	if (!value ||
	    !quire_ort_ignore(api, api->GetValueInfoTypeInfo(value, &type)) ||
	    !type ||
	    !quire_ort_ignore(api,
			      api->CastTypeInfoToTensorInfo(type, &tensor)))
		return NULL;
	return tensor;
}

/* The element type of a value; 0: unknown. */
static ONNXTensorElementDataType element_type(const OrtApi *api,
					      const OrtValueInfo *value)
{
	const OrtTensorTypeAndShapeInfo *tensor =
	    quire_value_tensor(api, value);
	ONNXTensorElementDataType element = 0;

	if (tensor)
		quire_ort_ignore(api,
				 api->GetTensorElementType(tensor, &element));
	return element;
}

/* The first `most` inputs of a node; NULL for those that it does not have. */
static bool read_inputs(const OrtApi *api, const OrtNode *node,
			const OrtValueInfo **inputs, size_t most)
{
	size_t count = 0;

	memset(inputs, 0, most * sizeof(*inputs));
	if (!quire_ort_ignore(api, api->Node_GetNumInputs(node, &count)) ||
	    count > most ||
	    !quire_ort_ignore(api, api->Node_GetInputs(node, inputs, count)))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!quire_value_name(api, inputs[i])[0])
			inputs[i] = NULL;
	return true;
}

/* The node that computes a value, if this is all that it is computed for. */
static const OrtNode *only_producer(const OrtApi *api,
				    const OrtValueInfo *value)
{
	const OrtNode *node = NULL;
	size_t index = 0;
	size_t readers = 0;
	bool output = true;

	if (!value ||
	    !quire_ort_ignore(
		api, api->ValueInfo_GetValueProducer(value, &node, &index)) ||
	    !quire_ort_ignore(
		api, api->ValueInfo_GetValueNumConsumers(value, &readers)) ||
	    !quire_ort_ignore(api,
			      api->ValueInfo_IsGraphOutput(value, &output)) ||
	    readers != 1 || output)
		return NULL;
	return node;
}

/* A Transpose without perm swaps the two dimensions of a matrix; so does the
 * only other order of two. */
static bool swaps_two(const OrtApi *api, const OrtNode *node)
{
	const OrtOpAttr *attribute = NULL;
	int64_t perm[2] = { 1, 0 };
	size_t size = 0;

	if (quire_ort_ignore(
		api, api->Node_GetAttributeByName(node, "perm", &attribute)) &&
	    attribute &&
	    !quire_ort_ignore(api, api->ReadOpAttr(attribute, ORT_OP_ATTR_INTS,
						   perm, sizeof(perm), &size)))
		return false;
	return perm[0] == 1 && perm[1] == 0;
}

static bool is_one(const OrtApi *api, const OrtNode *node, const char *name)
{
	const OrtOpAttr *attribute = NULL;
	float value = 1;
	size_t size;

	if (quire_ort_ignore(
		api, api->Node_GetAttributeByName(node, name, &attribute)) &&
	    attribute)
		quire_ort_ignore(api,
				 api->ReadOpAttr(attribute, ORT_OP_ATTR_FLOAT,
						 &value, sizeof(value), &size));
	return value == 1;
}

static int64_t integer(const OrtApi *api, const OrtNode *node, const char *name)
{
	const OrtOpAttr *attribute = NULL;
	int64_t value = 0;
	size_t size;

	if (quire_ort_ignore(
		api, api->Node_GetAttributeByName(node, name, &attribute)) &&
	    attribute)
		quire_ort_ignore(api,
				 api->ReadOpAttr(attribute, ORT_OP_ATTR_INT,
						 &value, sizeof(value), &size));
	return value;
}

/* Whether those inputs from `first` on that are there cannot be replaced by who
 * runs the model, nor are computed by it. */
static bool are_constant(const OrtApi *api, const OrtValueInfo *const *inputs,
			 size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		bool constant = false;

		if (inputs[i] && (!quire_ort_ignore(
				      api, api->ValueInfo_IsConstantInitializer(
					       inputs[i], &constant)) ||
				  !constant))
			return false;
	}
	return true;
}

/* The DequantizeLinear, and the Transpose if there is one, before B. */
static bool find_dequantize(const OrtApi *api, struct node_group *group,
			    const OrtNode *product)
{
	const OrtValueInfo *inputs[3];
	const OrtNode *at = only_producer(api, group->inputs[1]);
	const OrtNode *transpose = NULL;

	if (at && is_op(api, at, "", "Transpose")) {
		transpose = at;
		if (!swaps_two(api, at) || !read_inputs(api, at, inputs, 1))
			return false;
		at = only_producer(api, inputs[0]);
		group->transposed = !group->transposed;
	}
	if (!at || !is_op(api, at, "", "DequantizeLinear"))
		return false;
	if (!read_inputs(api, at, inputs, 3) ||
	    !are_constant(api, inputs, 0, 3) ||
	    !are_constant(api, group->inputs, 2, 3))
		return false;
	group->dequantize = at;
	group->nodes[group->count++] = at;
	if (transpose)
		group->nodes[group->count++] = transpose;
	group->nodes[group->count++] = product;
	return true;
}

/* Whether the last node computes x W^T + bias, if B is quantized. */
static bool is_product(const OrtApi *api, const OrtNode *node,
		       struct node_group *group)
{
	if (is_op(api, node, "", "MatMul")) {
		group->op_type = "MatMul";
		return true;
	}
	if (!is_op(api, node, "", "Gemm") || !is_one(api, node, "alpha") ||
	    !is_one(api, node, "beta") || integer(api, node, "transA") != 0)
		return false;
	group->op_type = "Gemm";
	group->transposed = integer(api, node, "transB") != 0;
	return true;
}

enum group_kind quire_node_group_find(const OrtApi *api, const OrtNode *node,
				      struct node_group *group)
{
	struct node_group found = { .op_type = "MatMulNBits" };
	const bool nbits = is_op(api, node, "com.microsoft", "MatMulNBits");
	const enum group_kind left = nbits ? GROUP_LEFT : GROUP_NONE;
	const OrtValueInfo *output = NULL;
	ONNXTensorElementDataType type;

	if (!nbits && !is_product(api, node, &found))
		return GROUP_NONE;
	if (!quire_ort_ignore(api, api->Node_GetName(node, &found.name)) ||
	    !quire_ort_ignore(api, api->Node_GetOutputs(node, &output, 1)))
		return GROUP_NONE;
	found.output = quire_value_name(api, output);
	*group = found;
	if (!read_inputs(api, node, found.inputs, INPUT_COUNT))
		return left;
	/* bf16 is left to ONNX Runtime. */
	type = element_type(api, found.inputs[0]);
	if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT &&
	    type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16)
		return left;
	if (!nbits) {
		if (!find_dequantize(api, &found, node))
			return GROUP_NONE;
	} else if (are_constant(api, found.inputs, 1, INPUT_COUNT)) {
		found.nodes[found.count++] = node;
	} else {
		return GROUP_LEFT;
	}
	*group = found;
	return GROUP_FOUND;
}
