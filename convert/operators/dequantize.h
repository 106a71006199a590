/*
 * dequantize.h - reading a DequantizeLinear, for the operators whose weight
 * comes out of one.
 */
#ifndef QUIRE_CONVERT_OPERATORS_DEQUANTIZE_H
#define QUIRE_CONVERT_OPERATORS_DEQUANTIZE_H

#include "convert/operators/node_check.h"

/* What W is of the constant x. */
enum dequantize_form {
	DEQUANTIZE_MATRIX,     /* x, a matrix */
	DEQUANTIZE_TRANSPOSED, /* x transposed: a row of W is a column of x */
	DEQUANTIZE_GATHERED,   /* x, whose rows a Gather has looked up */
	DEQUANTIZE_TENSOR,     /* x, of any number of dimensions */
};

/* Whether a node is a DequantizeLinear, and whether x is a weight. */
bool quire_dequantize_is(const struct onnx_node *node);
bool quire_dequantize_holds_weight(const struct onnx_model *model,
				   const struct onnx_node *node);

/* Reads storage, value and uses of *weight. Fails as the `read` of a
 * weight_operator does. */
quire_status quire_dequantize_read(const struct node_check *node,
				   enum dequantize_form form,
				   struct weight *weight);

#endif
