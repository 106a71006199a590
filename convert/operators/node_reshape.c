/*
 * node_reshape.c - works out the shape as ONNX has it: 0 keeps a dimension, -1
 * stands for what is left over.
 */
#include "convert/operators/node_reshape.h"

#include <inttypes.h>

#include "base/bytes.h"

static quire_status read_shape(const struct node_check *in,
			       const struct onnx_value *shape,
			       struct node_part *part)
{
	unsigned char bytes[NODE_RANK_MAX * 8];
	quire_status status = quire_onnx_file_acquire(shape->file, in->error);

	if (status != QUIRE_OK)
		return status;
	status =
	    quire_onnx_read(shape, 0, bytes, (size_t)shape->size, in->error);
	quire_onnx_file_release(shape->file);
	if (status != QUIRE_OK)
		return status;
	part->rank = (size_t)shape->count;
	for (size_t i = 0; i < part->rank; i++)
		part->dims[i] = (int64_t)load_u64(bytes + 8 * i);
	return QUIRE_OK;
}

/* Replaces 0 and -1; whether the elements are as many as before. */
static bool complete(const struct onnx_value *value, bool allow_zero,
		     struct node_part *part)
{
	uint64_t count = 1;
	int64_t *rest = NULL;

	for (size_t i = 0; i < part->rank; i++) {
		if (part->dims[i] == 0 && !allow_zero) {
			if (i >= value->rank)
				return false;
			part->dims[i] = value->dims[i];
		}
		if (part->dims[i] == -1 && !rest) {
			rest = &part->dims[i];
			continue;
		}
		if (part->dims[i] < 0 ||
		    !checked_mul(count, (uint64_t)part->dims[i], &count))
			return false;
	}
	if (!rest)
		return count == value->count;
	if (count == 0 || value->count % count != 0)
		return false;
	*rest = (int64_t)(value->count / count);
	return true;
}

quire_status quire_node_reshaped(const struct node_check *in,
				 struct node_part *part)
{
	const struct onnx_node *node =
	    quire_onnx_producer(in->model, part->value);
	const struct onnx_value *from;
	const struct onnx_value *shape;
	quire_status status;

	if (!node || !quire_onnx_is(node, "Reshape") || node->input_count < 2)
		return QUIRE_OK;
	from = quire_onnx_find(in->model, node->scope, node->inputs[0]);
	shape = quire_onnx_find(in->model, node->scope, node->inputs[1]);
	if (!from || from->origin != ONNX_CONSTANT || from->sparse || !shape ||
	    shape->origin != ONNX_CONSTANT || shape->sparse ||
	    shape->type != ONNX_INT64 || shape->count > NODE_RANK_MAX)
		return QUIRE_OK;
	status = read_shape(in, shape, part);
	if (status != QUIRE_OK)
		return status;
	if (!complete(from, quire_onnx_integer(node, "allowzero", 0) != 0,
		      part))
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "%s, '%s', is reshaped from %" PRIu64
				       " elements to another number of them",
				       part->name, from->name, from->count);
	part->value = from;
	part->use = (struct onnx_use){ node, 0 };
	part->has_shape = true;
	return QUIRE_OK;
}
