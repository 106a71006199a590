/*
 * operators.h - the operators with quantized weights, and the list of them. To
 * add one: its name in OPERATORS, and a file that defines
 * quire_operator_<name>, in CMakeLists.txt. compare/ reads each operator once
 * more, with code of its own.
 */
#ifndef QUIRE_CONVERT_OPERATORS_OPERATORS_H
#define QUIRE_CONVERT_OPERATORS_OPERATORS_H

#include "convert/weight/weight.h"

struct weight_operator {
	/* The nodes' op_type, in any domain; NULL: `is` decides. */
	const char *op_type;
	/* Whether a node computes with weights of this operator, valid or
	 * not. */
	bool (*is)(const struct onnx_model *model,
		   const struct onnx_node *node);
	/* How many weights such a node has; NULL: it has one. */
	size_t (*count)(const struct onnx_node *node);
	/* Reads the weight of an index below that number. Fails with LAYOUT for
	 * a node that contradicts itself or the operator, UNSUPPORTED for a
	 * weight that is not a constant and for what the operator allows but
	 * the converter does not. */
	quire_status (*read)(const struct onnx_model *model,
			     const struct onnx_node *node, size_t index,
			     struct weight *weight, quire_error *error);
	/* Nodes of it are read after all others, and only if none of their
	 * inputs is an operand of a weight already. */
	bool late;
};

/* clang-format off */
#define OPERATORS(X) \
	X(matmulnbits) \
	X(gather_block_quantized) \
	X(matmul_bnb4) \
	X(qmoe) \
	X(dequantized_matmul) \
	X(quantized_product) \
	X(scaled_product) \
	X(dequantized_rows) \
	X(dequantized_tensor)
/* clang-format on */

#define OPERATOR_DECLARE(name)                                                 \
	extern const struct weight_operator quire_operator_##name;
OPERATORS(OPERATOR_DECLARE)
#undef OPERATOR_DECLARE

/* The operator that a node with quantized weights is, or NULL. */
const struct weight_operator *quire_operator_of(const struct onnx_model *model,
						const struct onnx_node *node);

/* How many weights a node of an operator has. */
size_t quire_operator_count(const struct weight_operator *found,
			    const struct onnx_node *node);

/* For a node that is none of these: OK, or UNSUPPORTED for an operator whose
 * quantized weight would be missing from the container, or be in it as numbers
 * without their scales. */
quire_status quire_unsupported_check(const struct onnx_model *model,
				     const struct onnx_node *node,
				     quire_error *error);

#endif
