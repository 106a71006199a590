/*
 * node_check.h - the steps of checking a node that holds a quantized weight,
 * whatever its operator: attributes, and type, shape and origin of inputs.
 * Messages begin with "node 'name' (Operator): ".
 */
#ifndef QUIRE_CONVERT_OPERATORS_NODE_CHECK_H
#define QUIRE_CONVERT_OPERATORS_NODE_CHECK_H

#include "base/error.h"
#include "convert/weight/weight.h"

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

/* One of any kind, which says nothing of the weight; it is read as 0. */
#define QUIRE_ANY_ATTRIBUTE(name)                                              \
	{                                                                      \
		name, false, 0, 1, 0                                           \
	}

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

/* More dimensions than any weight has. */
#define NODE_RANK_MAX 8

/* An input as a node sees it: a constant that a Reshape gives another shape is
 * that constant, used by the Reshape. */
struct node_part {
	const char *name;
	const struct onnx_value *value; /* NULL: absent */
	struct onnx_use use;
	bool has_shape;
	size_t rank;
	int64_t dims[NODE_RANK_MAX]; /* the first ones, if there are more */
};

/* Fails for an input that is defined nowhere, a required one that is absent,
 * and a Reshape that contradicts itself. */
quire_status quire_node_part(const struct node_check *in,
			     const struct input_row *row,
			     struct node_part *part);

/* The same of the value alone. */
quire_status quire_node_input(const struct node_check *in,
			      const struct input_row *row,
			      struct node_part *part);

/* What the shape of an input must be: [a, b, c], or with the last ones drawn
 * together, as exporters write it, [a, b * c] or [a * b * c]. */
struct shape {
	uint64_t dims[3];
};

/* Unknown shapes and dims (of graph inputs) pass. */
quire_status quire_node_shape(const struct node_check *in,
			      const struct node_part *part,
			      const struct shape *shape);

/* Fails unless `right`, but for an input of unknown type; "a is b, not c". */
quire_status quire_node_type(const struct node_check *in,
			     const struct node_part *part, bool right,
			     const char *wanted);

/* Fails with UNSUPPORTED for what is no constant; an absent one is fine. To be
 * asked last, so that a model that is wrong as well is told so. */
quire_status quire_node_constant(const struct node_check *in,
				 const struct node_part *part);

/* Gives the weight the dimensions of a part but for the last one, with n as
 * their product. A tensor has four at most: the first ones become one. */
void quire_node_outer(const struct node_part *part, struct weight *weight);

/* A block size that is a power of two, and bits of which bytes are full. */
quire_status quire_node_blocks(const struct node_check *in,
			       const struct weight *weight);

/* Scales, of a float type and that shape, which is [n, blocks] but in name;
 * part and weight are filled in. */
quire_status quire_node_scales(const struct node_check *in,
			       const struct input_row *row,
			       const struct shape *shape, struct weight *weight,
			       struct node_part *part);

/* UNSUPPORTED for a domain that is not Microsoft's. */
quire_status quire_node_microsoft(const struct node_check *in);

#endif
