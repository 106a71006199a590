/*
 * wrappers.c - the nodes that may stand between a constant and the node that
 * uses it, because they give its numbers again: Identity, Cast between float
 * types, and Reshape. Converters to f16 and ONNX Runtime's optimizer add them.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/operators/node_check.h"

static const struct onnx_value *input_of(const struct onnx_model *model,
					 const struct onnx_node *node,
					 size_t input)
{
	return input < node->input_count && node->inputs[input][0]
		   ? quire_onnx_find(model, node->scope, node->inputs[input])
		   : NULL;
}

/* Whether the shape that a Reshape gives can be read. */
static bool has_constant_shape(const struct onnx_model *model,
			       const struct onnx_node *node)
{
	const struct onnx_value *shape = input_of(model, node, 1);

	return shape && shape->origin == ONNX_CONSTANT && !shape->sparse &&
	       shape->type == ONNX_INT64 && shape->count <= NODE_RANK_MAX;
}

const struct onnx_node *quire_wrapper_of(const struct onnx_model *model,
					 const struct onnx_value *value)
{
	const struct onnx_node *node = quire_onnx_producer(model, value);

	if (!node || !input_of(model, node, 0))
		return NULL;
	if (quire_onnx_is(node, "Identity") ||
	    (quire_onnx_is(node, "Cast") &&
	     quire_onnx_is_float(quire_wrapper_type(node, 0))) ||
	    (quire_onnx_is(node, "Reshape") && has_constant_shape(model, node)))
		return node;
	return NULL;
}

int32_t quire_wrapper_type(const struct onnx_node *node, int32_t type)
{
	const int64_t to = quire_onnx_integer(node, "to", 0);

	return quire_onnx_is(node, "Cast") && to > 0 && to <= INT32_MAX
		   ? (int32_t)to
		   : type;
}

const struct onnx_value *quire_unwrap(const struct onnx_model *model,
				      const struct onnx_value *value)
{
	for (int i = 0; i < QUIRE_WRAPPERS_MAX; i++) {
		const struct onnx_node *node = quire_wrapper_of(model, value);

		if (!node)
			break;
		value = input_of(model, node, 0);
	}
	return value;
}

/* ---------------------------------------------------------------- reshapes */

/* Completes the shape as ONNX does: 0 keeps a dimension, -1 stands for the
 * rest. Whether there are as many elements as before. */
static bool complete(const struct node_operand *before, uint64_t elements,
		     bool allow_zero, struct node_operand *operand)
{
	uint64_t count = 1;
	int64_t *rest = NULL;

	for (size_t i = 0; i < operand->rank; i++) {
		if (operand->dims[i] == 0 && !allow_zero) {
			if (i >= before->rank)
				return false;
			operand->dims[i] = before->dims[i];
		}
		if (operand->dims[i] == -1 && !rest) {
			rest = &operand->dims[i];
			continue;
		}
		if (operand->dims[i] < 0 ||
		    !checked_mul(count, (uint64_t)operand->dims[i], &count))
			return false;
	}
	if (!rest)
		return count == elements;
	if (count == 0 || elements % count != 0)
		return false;
	*rest = (int64_t)(elements / count);
	return true;
}

quire_status quire_node_reshape(const struct node_check *in,
				const struct onnx_node *reshape,
				struct node_operand *operand)
{
	const struct onnx_value *shape = input_of(in->model, reshape, 1);
	const struct node_operand before = *operand;
	const struct onnx_value *from = operand->value;
	unsigned char bytes[NODE_RANK_MAX * 8];
	const quire_status status =
	    quire_onnx_read_all(shape, bytes, in->error);

	if (status != QUIRE_OK)
		return status;
	operand->rank = (size_t)shape->count;
	for (size_t i = 0; i < operand->rank; i++)
		operand->dims[i] = (int64_t)load_u64(bytes + 8 * i);
	if (complete(&before, from->count,
		     quire_onnx_integer(reshape, "allowzero", 0) != 0, operand))
		return QUIRE_OK;
	return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
			       "%s, '%s', is reshaped from %" PRIu64
			       " elements to another number of them",
			       operand->name, from->name, from->count);
}

/* ------------------------------------------------------------------ chains */

/* The wrappers of a value, the last one first. Returns the value before them.
 */
static const struct onnx_value *find_chain(
    const struct onnx_model *model, const struct onnx_value *value,
    const struct onnx_node *chain[QUIRE_WRAPPERS_MAX], size_t *count,
    bool *casts)
{
	*count = 0;
	*casts = false;
	while (*count < QUIRE_WRAPPERS_MAX) {
		const struct onnx_node *node = quire_wrapper_of(model, value);

		if (!node)
			break;
		*casts = *casts || quire_onnx_is(node, "Cast");
		chain[(*count)++] = node;
		value = input_of(model, node, 0);
	}
	return value;
}

quire_status quire_node_unwrap(const struct node_check *in,
			       struct node_operand *operand)
{
	const struct onnx_node *chain[QUIRE_WRAPPERS_MAX];
	size_t count;
	bool casts;
	const struct onnx_value *from =
	    find_chain(in->model, operand->value, chain, &count, &casts);
	quire_status status = QUIRE_OK;

	if (count == 0 || from->origin != ONNX_CONSTANT || from->sparse ||
	    (casts && !quire_onnx_is_float(from->type)))
		return QUIRE_OK;
	operand->value = from;
	operand->type = from->type;
	operand->use = (struct onnx_use){ chain[count - 1], 0 };
	operand->has_shape = true;
	operand->rank = from->rank;
	for (size_t i = 0; i < from->rank && i < NODE_RANK_MAX; i++)
		operand->dims[i] = from->dims[i];
	while (count-- > 0 && status == QUIRE_OK) {
		const int32_t to =
		    quire_wrapper_type(chain[count], operand->type);

		operand->casts =
		    quire_casts_add(operand->casts, from->type, to);
		operand->type = to;
		if (quire_onnx_is(chain[count], "Reshape"))
			status = quire_node_reshape(in, chain[count], operand);
	}
	return status;
}

quire_status quire_node_bias(const struct node_check *in,
			     const struct input_row *row,
			     struct node_operand *operand)
{
	quire_status status = quire_node_input(in, row, operand);
	struct node_operand found;

	if (status != QUIRE_OK || !operand->value)
		return status;
	found = *operand;
	status = quire_node_unwrap(in, &found);
	if (status == QUIRE_OK && found.value->rank == 1)
		*operand = found;
	return status;
}
