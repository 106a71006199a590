/*
 * node_check.h - the steps of checking a node that holds a quantized weight,
 * whatever its operator: attributes, and type, shape and origin of inputs.
 * Messages begin with "node 'name' (Operator): ".
 */
#ifndef QUIRE_CONVERT_OPERATORS_NODE_CHECK_H
#define QUIRE_CONVERT_OPERATORS_NODE_CHECK_H

#include "base/error.h"
#include "convert/operators/operators.h"

struct node_check {
	const struct onnx_model *model;
	const struct onnx_node *node;
	quire_error *error;
};

quire_status quire_node_fail(const struct node_check *in, quire_status status,
			     const char *format, ...) QUIRE_PRINTF(3, 4);

/* UNSUPPORTED for a domain that is not Microsoft's. */
quire_status quire_node_microsoft(const struct node_check *in);

/* -------------------------------------------------------------- attributes */

/* One integer attribute and the values that it may have. */
struct attribute_row {
	const char *name;
	bool required;
	int64_t absent; /* its value if it is not there */
	int64_t least;
	int64_t most;
};

/* An attribute of any kind that says nothing about the weight; it is read as
 * 0. */
#define QUIRE_ANY_ATTRIBUTE(name)                                              \
	{                                                                      \
		name, false, 0, 1, 0                                           \
	}

/* Reads the integers of `count` rows. Fails with UNSUPPORTED for an attribute
 * that is in none of them, as it may mean another layout. */
quire_status quire_node_attributes(const struct node_check *in,
				   const struct attribute_row *rows,
				   size_t count, int64_t *values);

/* ---------------------------------------------------------------- operands */

/* An input as the operator's documentation names it. */
struct input_row {
	const char *name;
	size_t index; /* among the node's inputs */
	bool required;
};

/* More dimensions than any weight has. */
#define NODE_RANK_MAX 8

/* An input as the node sees it. Where wrappers of a constant compute it, it is
 * that constant in its new shape, used by the first of the wrappers. */
struct node_operand {
	const char *name;
	const struct onnx_value *value; /* NULL: absent */
	int32_t type;			/* after the last Cast */
	uint64_t casts;			/* of quire_casts_add */
	struct onnx_use use;
	bool has_shape;
	size_t rank;
	int64_t dims[NODE_RANK_MAX]; /* the first ones, if there are more */
};

/* Fails for an input that is defined nowhere, a required one that is absent,
 * and a Reshape that contradicts itself; IO, MEMORY for a Reshape whose shape
 * cannot be read. Looks through wrappers. */
quire_status quire_node_operand(const struct node_check *in,
				const struct input_row *row,
				struct node_operand *operand);

/* The same for the value itself, without looking through wrappers. */
quire_status quire_node_input(const struct node_check *in,
			      const struct input_row *row,
			      struct node_operand *operand);

/* The shape that an input must have: [a, b, c], or with the last dimensions
 * made one, as exporters write it, [a, b * c] or [a * b * c]. */
struct shape {
	uint64_t dims[3];
};

/* Unknown shapes and dims (of graph inputs) pass. */
quire_status quire_node_shape(const struct node_check *in,
			      const struct node_operand *operand,
			      const struct shape *shape);

/* Fails unless `right`, except for an input of unknown type; "a is b, not
 * c". */
quire_status quire_node_type(const struct node_check *in,
			     const struct node_operand *operand, bool right,
			     const char *wanted);

/* Fails with UNSUPPORTED for what is no constant; an absent one is fine. Call
 * it last, so that a model that is wrong as well is reported as wrong. */
quire_status quire_node_constant(const struct node_check *in,
				 const struct node_operand *operand);

/* -------------------------------------------------------------- wrappers.c */

/*
 * A wrapper is a node that gives the numbers of its first input again: an
 * Identity, a Cast between float types, which may round them, and a Reshape to
 * a constant shape.
 */

/* The most wrappers between two nodes. A limit keeps the time for a model of
 * long chains, which many nodes may share, linear in its size. */
#define QUIRE_WRAPPERS_MAX 32

/* The wrapper that computes a value, or NULL. */
const struct onnx_node *quire_wrapper_of(const struct onnx_model *model,
					 const struct onnx_value *value);

/* The value before all wrappers of `value`, which may be NULL. */
const struct onnx_value *quire_unwrap(const struct onnx_model *model,
				      const struct onnx_value *value);

/* The type that a Cast gives, or `type` for another node. */
int32_t quire_wrapper_type(const struct onnx_node *node, int32_t type);

/* Gives an operand the shape that a Reshape makes of it. Fails as
 * quire_node_operand does. */
quire_status quire_node_reshape(const struct node_check *in,
				const struct onnx_node *reshape,
				struct node_operand *operand);

/* quire_node_operand for a bias. The container has it as the constant is, so
 * that must be a vector already. */
quire_status quire_node_bias(const struct node_check *in,
			     const struct input_row *row,
			     struct node_operand *operand);

/* Turns an operand that wrappers of a constant compute into that constant.
 * Leaves others as they are. */
quire_status quire_node_unwrap(const struct node_check *in,
			       struct node_operand *operand);

/* ------------------------------------------------------------------ weight */

/* Sets the tensor's dimensions to those of an operand but for the last one, and
 * n to their product. A tensor has four at most: the first ones become one. */
void quire_node_outer(const struct node_operand *operand,
		      struct weight_value *value);

/* The same for a matrix of n rows. */
void quire_node_matrix(uint64_t n, struct weight_value *value);

/* Fails unless block_size is a power of two, and codes of `bits` fill bytes. */
quire_status quire_node_blocks(const struct node_check *in,
			       const struct weight_value *value);

/* Reads scales, of a float type and a shape that is [n, blocks] in one form or
 * another. Sets *operand and the weight's scales. */
quire_status quire_node_scales(const struct node_check *in,
			       const struct input_row *row,
			       const struct shape *shape, struct weight *weight,
			       struct node_operand *operand);

/* Bytes of `count` packed codes. */
static inline size_t packed_size(uint64_t count, uint32_t bits)
{
	return (size_t)((count * bits + 7) / 8);
}

/* The zero point that most operators assume. */
static inline size_t middle_code(uint32_t bits)
{
	return (size_t)1 << (bits - 1);
}

#endif
