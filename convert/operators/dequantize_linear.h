/*
 * dequantize_linear.h - constants that a DequantizeLinear makes floats of, as
 * weights: those of a MatMul or Gemm behind it, rows that a Gather before it
 * looks up, and all others. It means (code - zero) * scale, where an absent
 * zero point is 0; scales are one, or one for each index along `axis`, or one
 * for each block_size of them.
 *
 * Each of the three has the two functions of a struct weight_kind. They fail
 * as quire_matmulnbits_read does.
 */
#ifndef QUIRE_CONVERT_OPERATORS_DEQUANTIZE_LINEAR_H
#define QUIRE_CONVERT_OPERATORS_DEQUANTIZE_LINEAR_H

#include "convert/weight/weight.h"

/* MatMul and Gemm, with B from a DequantizeLinear, transposed or not. */
bool quire_dequantized_linear_is(const struct onnx_model *model,
				 const struct onnx_node *node);
quire_status quire_dequantized_linear_read(const struct onnx_model *model,
					   const struct onnx_node *node,
					   size_t index, struct weight *weight,
					   quire_error *error);

/* A DequantizeLinear of what a Gather of rows has looked up. */
bool quire_dequantized_rows_is(const struct onnx_model *model,
			       const struct onnx_node *node);
quire_status quire_dequantized_rows_read(const struct onnx_model *model,
					 const struct onnx_node *node,
					 size_t index, struct weight *weight,
					 quire_error *error);

/* A DequantizeLinear of a constant of any shape. */
bool quire_dequantized_tensor_is(const struct onnx_model *model,
				 const struct onnx_node *node);
quire_status quire_dequantized_tensor_read(const struct onnx_model *model,
					   const struct onnx_node *node,
					   size_t index, struct weight *weight,
					   quire_error *error);

#endif
