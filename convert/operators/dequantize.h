/*
 * dequantize.h - reading a DequantizeLinear, for the operators whose weight
 * comes out of one; and the same constants of a product that dequantizes within
 * itself.
 */
#ifndef QUIRE_CONVERT_OPERATORS_DEQUANTIZE_H
#define QUIRE_CONVERT_OPERATORS_DEQUANTIZE_H

#include "convert/operators/node_check.h"

/* What W is of the constant x. */
enum dequantize_form {
	DEQUANTIZE_MATRIX,     /* x, a matrix */
	DEQUANTIZE_TRANSPOSED, /* x transposed: a row of W is a column of x */
	DEQUANTIZE_GATHERED,   /* x, whose rows a Gather has looked up */
	/* x, of any number of dimensions. If blocks lie along the last but one,
	 * or there is a scale for each index of the last one, W has these two
	 * swapped, because a block type has blocks along rows. */
	DEQUANTIZE_TENSOR,
};

/* The inputs of a node that are x, scales and zero points. */
struct dequantize_inputs {
	struct input_row x;
	struct input_row scale;
	struct input_row zero;
	/* Of a product: there are no attributes that say how. Scales are one
	 * for all, or one for each index along this axis. 0: DequantizeLinear.
	 */
	int64_t axis;
	/* The node that has the scales; NULL: the node itself. */
	const struct onnx_node *scaler;
};

/* A DequantizeLinear while it is read. */
struct dequantize {
	struct node_check node;
	const struct dequantize_inputs *inputs;
	struct weight *weight;
	enum dequantize_form form;
	int64_t axis;	     /* once the scales are read: from 0 */
	uint64_t block_size; /* 0: none */
	bool one_scale;
	bool swapped; /* W has the last two dimensions of x swapped */
	/* The first reshape, if there is one: x has these dimensions where the
	 * matrix is used. */
	const uint64_t *reshaped;
	struct node_operand x;
	struct node_operand scale;
	struct node_operand zero;
};

/* Whether a node is a DequantizeLinear; x may have a type; x is a weight. */
bool quire_dequantize_is(const struct onnx_node *node);
bool quire_dequantize_type(int32_t type);
bool quire_dequantize_holds_weight(const struct onnx_model *model,
				   const struct onnx_node *node);

/* x of a DequantizeLinear, behind its wrappers. */
quire_status quire_dequantize_x(const struct node_check *node,
				struct node_operand *x);

/* Reads storage, value, uses and type of *weight. `reshaped`, or NULL: the two
 * dimensions to which x is reshaped once it is dequantized, of the matrix
 * forms. Fails as the `read` of a weight_operator does; UNSUPPORTED for scales
 * that do not lie along rows or columns of the reshaped matrix. */
quire_status quire_dequantize_read(const struct node_check *node,
				   enum dequantize_form form,
				   const uint64_t *reshaped,
				   struct weight *weight);

/* The same for other inputs. */
quire_status quire_dequantize_inputs_read(
    const struct node_check *node, const struct dequantize_inputs *inputs,
    enum dequantize_form form, const uint64_t *reshaped, struct weight *weight);

/* ------------------------------------------------------ dequantize_order.c */

/* Sets blocks and the order of scales from x, scale, axis and form. */
quire_status quire_dequantize_order(struct dequantize *in);

#endif
