/*
 * node_check.c - what the checks of all operators have in common. Knows no
 * operator.
 */
#include "convert/node_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "convert/onnx_tensor.h"
#include "format/bytes.h"

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

	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = read_integer(in, &rows[i], &values[i]);
	return status;
}

quire_status quire_node_input(const struct node_check *in,
			      const struct input_row *row,
			      const struct onnx_value **value)
{
	const struct onnx_node *node = in->node;
	const char *name =
	    row->index < node->input_count ? node->inputs[row->index] : "";

	*value = NULL;
	if (name[0] == '\0' && !row->required)
		return QUIRE_OK;
	if (name[0] == '\0')
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "input %s is absent", row->name);
	*value = quire_onnx_find(in->model, node->scope, name);
	if (!*value)
		return quire_node_fail(in, QUIRE_ERROR_LAYOUT,
				       "input %s, '%s', is defined nowhere",
				       row->name, name);
	return QUIRE_OK;
}

static bool has_shape(const struct onnx_value *value, const struct shape *shape)
{
	uint64_t wanted[3] = { shape->dims[0], shape->dims[1], shape->dims[2] };

	if (!value->has_shape)
		return true;
	if (value->rank < 1 || value->rank > 3)
		return false;
	for (size_t rank = 3; rank > value->rank; rank--)
		if (!checked_mul(wanted[rank - 2], wanted[rank - 1],
				 &wanted[rank - 2]))
			return false;
	for (size_t i = 0; i < value->rank; i++)
		if (value->dims[i] != -1 &&
		    (uint64_t)value->dims[i] != wanted[i])
			return false;
	return true;
}

quire_status quire_node_shape(const struct node_check *in, const char *name,
			      const struct onnx_value *value,
			      const struct shape *shape)
{
	char dims[64] = "";
	size_t used = 0;

	if (has_shape(value, shape))
		return QUIRE_OK;
	for (size_t i = 0; i < value->rank && used < sizeof(dims); i++)
		used += (size_t)snprintf(dims + used, sizeof(dims) - used,
					 "%s%" PRId64, i ? ", " : "",
					 value->dims[i]);
	return quire_node_fail(
	    in, QUIRE_ERROR_LAYOUT,
	    "%s has the shape [%s]; K, N, bits and block_size make "
	    "[%" PRIu64 ", %" PRIu64 ", %" PRIu64 "]",
	    name, dims, shape->dims[0], shape->dims[1], shape->dims[2]);
}

quire_status quire_node_type(const struct node_check *in, const char *name,
			     const struct onnx_value *value, bool right,
			     const char *wanted)
{
	if (right || (value->type == 0 && value->origin != ONNX_CONSTANT))
		return QUIRE_OK;
	return quire_node_fail(in, QUIRE_ERROR_LAYOUT, "%s is %s, not %s", name,
			       quire_onnx_type_name(value->type), wanted);
}

quire_status quire_node_constant(const struct node_check *in, const char *name,
				 const struct onnx_value *value)
{
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
			       name, value->name, what);
}
