/*
 * operators.h - the operators that hold quantized weights, one row of a table
 * for each: who asks knows none of them by name.
 */
#ifndef QUIRE_CONVERT_OPERATORS_OPERATORS_H
#define QUIRE_CONVERT_OPERATORS_OPERATORS_H

#include "convert/weight/weight.h"

struct weight_kind {
	/* Whether the node computes with weights of this kind, be they good
	 * or bad. */
	bool (*is)(const struct onnx_model *model,
		   const struct onnx_node *node);
	/* How many it has; NULL: one. */
	size_t (*count)(const struct onnx_node *node);
	/* Reads the one of a number below that. Fails with LAYOUT for a node
	 * that contradicts itself, UNSUPPORTED for what cannot be taken. */
	quire_status (*read)(const struct onnx_model *model,
			     const struct onnx_node *node, size_t index,
			     struct weight *weight, quire_error *error);
	/* Only for a node none of whose inputs another has for its weight. */
	bool late;
};

/* The kind of a node's weights, or NULL. */
const struct weight_kind *quire_kind_of(const struct onnx_model *model,
					const struct onnx_node *node);

/* How many weights a node of a kind has. */
size_t quire_kind_count(const struct weight_kind *kind,
			const struct onnx_node *node);

#endif
