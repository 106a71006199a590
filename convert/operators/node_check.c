/*
 * node_check.c - what the checks of all operators have in common. wrappers.c
 * knows the nodes that may stand between a constant and its node.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/operators/node_check.h"

quire_status quire_node_fail(const struct node_check *in, quire_status status,
			     const char *format, ...)
{
	char what[sizeof(in->error->message)];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return quire_fail(in->error, status, QUIRE_NO_OFFSET,
			  "node '%s' (%s): %s", quire_onnx_label(in->node),
			  in->node->op_type, what);
}

quire_status quire_node_microsoft(const struct node_check *in)
{
	if (strcmp(in->node->domain, "com.microsoft") == 0)
		return QUIRE_OK;
	return quire_node_fail(in, QUIRE_ERROR_UNSUPPORTED,
			       "its domain is '%s', not com.microsoft",
			       in->node->domain);
}

/* -------------------------------------------------------------- attributes */

static quire_status check_known(const struct node_check *in,
				const struct attribute_row *rows, size_t count)
{
	const struct onnx_node *node = in->node;

	for (size_t i = 0; i < node->attribute_count; i++) {
		size_t row = 0;

		while (row < count &&
		       strcmp(rows[row].name, node->attributes[i].name) != 0)
			row++;
		if (row == count)
			return quire_node_fail(in, QUIRE_ERROR_UNSUPPORTED,
					       "attribute '%s' is not known",
					       node->attributes[i].name);
	}
	return QUIRE_OK;
}

static quire_status read_integer(const struct node_check *in,
				 const struct attribute_row *row,
				 int64_t *value)
{
	const struct onnx_attribute *attribute =
	    quire_onnx_attribute(in->node, row->name);

	if (!attribute && row->required)
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "no attribute %s", row->name);
	if (attribute && !attribute->is_int)
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "attribute %s is not an integer",
				       row->name);
	*value = attribute ? attribute->i : row->absent;
	if (*value < row->least || *value > row->most)
		return quire_node_fail(
		    in, QUIRE_ERROR_LAYOUT,
		    "%s is %" PRId64 ", not in %" PRId64 " to "
		    "%" PRId64,
		    row->name, *value, row->least, row->most);
	return QUIRE_OK;
}

quire_status quire_node_attributes(const struct node_check *in,
				   const struct attribute_row *rows,
				   size_t count, int64_t *values)
{
	quire_status status = check_known(in, rows, count);

	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		values[i] = 0;
		if (rows[i].least <= rows[i].most)
			status = read_integer(in, &rows[i], &values[i]);
	}
	return status;
}

/* ---------------------------------------------------------------- operands */

/* Shape, type and use of the value itself. */
static void set_operand(const struct onnx_value *value,
			const struct onnx_node *node, size_t input,
			struct node_operand *operand)
{
	operand->value = value;
	operand->type = value->type;
	operand->use = (struct onnx_use){ node, input };
	operand->has_shape = value->has_shape;
	operand->rank = value->rank;
	for (size_t i = 0; i < value->rank && i < NODE_RANK_MAX; i++)
		operand->dims[i] = value->dims[i];
}

quire_status quire_node_input(const struct node_check *in,
			      const struct input_row *row,
			      struct node_operand *operand)
{
	const struct onnx_node *node = in->node;
	const char *name =
	    row->index < node->input_count ? node->inputs[row->index] : "";
	const struct onnx_value *value;

	*operand = (struct node_operand){ .name = row->name };
	if (name[0] == '\0' && !row->required)
		return QUIRE_OK;
	if (name[0] == '\0')
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "input %s is absent", row->name);
	value = quire_onnx_find(in->model, node->scope, name);
	if (!value)
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "input %s, '%s', is defined nowhere",
				       row->name, name);
	set_operand(value, node, row->index, operand);
	return QUIRE_OK;
}

quire_status quire_node_operand(const struct node_check *in,
				const struct input_row *row,
				struct node_operand *operand)
{
	const quire_status status = quire_node_input(in, row, operand);

	return status == QUIRE_OK && operand->value
		   ? quire_node_unwrap(in, operand)
		   : status;
}

static bool has_shape(const struct node_operand *operand,
		      const struct shape *shape)
{
	uint64_t wanted[3] = { shape->dims[0], shape->dims[1], shape->dims[2] };

	if (!operand->has_shape)
		return true;
	if (operand->rank < 1 || operand->rank > 3)
		return false;
	for (size_t rank = 3; rank > operand->rank; rank--)
		if (!checked_mul(wanted[rank - 2], wanted[rank - 1],
				 &wanted[rank - 2]))
			return false;
	for (size_t i = 0; i < operand->rank; i++)
		if (operand->dims[i] != -1 &&
		    (uint64_t)operand->dims[i] != wanted[i])
			return false;
	return true;
}

quire_status quire_node_shape(const struct node_check *in,
			      const struct node_operand *operand,
			      const struct shape *shape)
{
	const size_t rank =
	    operand->rank < NODE_RANK_MAX ? operand->rank : NODE_RANK_MAX;
	char dims[64] = "";
	size_t used = 0;

	if (has_shape(operand, shape))
		return QUIRE_OK;
	for (size_t i = 0; i < rank && used < sizeof(dims); i++)
		used += (size_t)snprintf(dims + used, sizeof(dims) - used,
					 "%s%" PRId64, i ? ", " : "",
					 operand->dims[i]);
	return quire_node_fail(
	    in, QUIRE_ERROR_LAYOUT,
	    "%s has the shape [%s]; K, N, bits and block_size make "
	    "[%" PRIu64 ", %" PRIu64 ", %" PRIu64 "]",
	    operand->name, dims, shape->dims[0], shape->dims[1],
	    shape->dims[2]);
}

quire_status quire_node_type(const struct node_check *in,
			     const struct node_operand *operand, bool right,
			     const char *wanted)
{
	const struct onnx_value *value = operand->value;

	if (right || (value->type == 0 && value->origin != ONNX_CONSTANT))
		return QUIRE_OK;
	return quire_node_fail(in, QUIRE_ERROR_LAYOUT, "%s is %s, not %s",
			       operand->name, quire_onnx_type_name(value->type),
			       wanted);
}

quire_status quire_node_constant(const struct node_check *in,
				 const struct node_operand *operand)
{
	const struct onnx_value *value = operand->value;
	const char *what = NULL;

	if (!value)
		return QUIRE_OK;
	if (value->origin == ONNX_INPUT)
		what = "a graph input";
	else if (value->origin == ONNX_COMPUTED)
		what = "computed by another node";
	else if (value->sparse)
		what = "sparse";
	if (!what)
		return QUIRE_OK;
	return quire_node_fail(in, QUIRE_ERROR_UNSUPPORTED,
			       "%s, '%s', is %s; a weight must be a constant",
			       operand->name, value->name, what);
}

/* ------------------------------------------------------------------ weight */

void quire_node_outer(const struct node_operand *operand,
		      struct weight_value *value)
{
	const size_t rank =
	    operand->rank < NODE_RANK_MAX ? operand->rank : NODE_RANK_MAX;

	value->n = 1;
	value->rank = rank < 4 ? (uint32_t)rank : 4;
	for (size_t i = 0; i < 3; i++)
		value->outer[i] = 1;
	for (size_t i = 1; i < rank; i++) {
		const uint64_t size = (uint64_t)operand->dims[rank - 1 - i];

		value->outer[i < 3 ? i - 1 : 2] *= size;
		value->n *= size;
	}
}

void quire_node_matrix(uint64_t n, struct weight_value *value)
{
	value->n = n;
	value->rank = 2;
	value->outer[0] = n;
	value->outer[1] = 1;
	value->outer[2] = 1;
}

quire_status quire_node_blocks(const struct node_check *in,
			       const struct weight_value *value)
{
	if (value->block_size & (value->block_size - 1))
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "block_size %" PRIu64
				       " is not a power of two",
				       value->block_size);
	if (value->bits != 2 && value->bits != 4 && value->bits != 8)
		return quire_node_fail(in, QUIRE_ERROR_UNSUPPORTED,
				       "bits is %" PRIu32
				       "; 2, 4 and 8 are supported",
				       value->bits);
	return QUIRE_OK;
}

quire_status quire_node_scales(const struct node_check *in,
			       const struct input_row *row,
			       const struct shape *shape, struct weight *weight,
			       struct node_operand *operand)
{
	struct weight_constant *scales = &weight->storage.scales;
	quire_status status = quire_node_operand(in, row, operand);
	int32_t type;

	if (status != QUIRE_OK)
		return status;
	type = operand->value->type;
	scales->value = operand->value;
	scales->casts = operand->casts;
	scales->row_size =
	    (size_t)weight->value.blocks * quire_onnx_type_bits(type) / 8;
	weight->intent.type = operand->type;
	weight->uses[WEIGHT_SCALES] = operand->use;
	status = quire_node_type(in, operand, quire_onnx_is_float(type),
				 "a float type");
	return status == QUIRE_OK ? quire_node_shape(in, operand, shape)
				  : status;
}
