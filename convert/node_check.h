/*
 * node_check.h - the steps of checking a node that holds a quantized weight,
 * whatever its operator: attributes, and type, shape and origin of inputs.
 * Messages begin with "node 'name' (Operator): ".
 */
#ifndef QUIRE_CONVERT_NODE_CHECK_H
#define QUIRE_CONVERT_NODE_CHECK_H

#include "convert/onnx_model.h"
#include "format/error.h"

struct node_check {
	const struct onnx_model *model;
	const struct onnx_node *node;
	quire_error *error;
};

quire_status quire_node_fail(const struct node_check *in, quire_status status,
			     const char *format, ...) QUIRE_PRINTF(3, 4);

/* One integer attribute and what it may be. */
struct attribute_row {
	const char *name;
	bool required;
	int64_t absent; /* its value if it is not there */
	int64_t least;
	int64_t most;
};

/* Reads the integers of `count` rows. Fails with UNSUPPORTED for an attribute
 * that is in none of them, as it may mean another layout. */
quire_status quire_node_attributes(const struct node_check *in,
				   const struct attribute_row *rows,
				   size_t count, int64_t *values);

/* An input as the operator's documentation has it. */
struct input_row {
	const char *name;
	size_t index; /* among the node's inputs */
	bool required;
};

/* *value is NULL for an optional input that is absent. */
quire_status quire_node_input(const struct node_check *in,
			      const struct input_row *row,
			      const struct onnx_value **value);

/* What the shape of an input must be: [a, b, c], or with the last ones drawn
 * together, as exporters write it, [a, b * c] or [a * b * c]. */
struct shape {
	uint64_t dims[3];
};

/* Unknown shapes and dims (of graph inputs) pass. */
quire_status quire_node_shape(const struct node_check *in, const char *name,
			      const struct onnx_value *value,
			      const struct shape *shape);

/* Fails unless `right`, but for an input of unknown type; "a is b, not c". */
quire_status quire_node_type(const struct node_check *in, const char *name,
			     const struct onnx_value *value, bool right,
			     const char *wanted);

/* Fails with UNSUPPORTED for what is no constant; NULL is fine. To be asked
 * last, so that a model that is wrong as well is told so. */
quire_status quire_node_constant(const struct node_check *in, const char *name,
				 const struct onnx_value *value);

#endif
