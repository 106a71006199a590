/*
 * qmoe.h - the experts of one com.microsoft.QMoE node: up to three weights,
 * each a stack of matrices, one for each expert.
 */
#ifndef QUIRE_CONVERT_OPERATORS_QMOE_H
#define QUIRE_CONVERT_OPERATORS_QMOE_H

#include "convert/weight/weight.h"

bool quire_qmoe_is(const struct onnx_model *model,
		   const struct onnx_node *node);

/* 2 or 3. */
size_t quire_qmoe_count(const struct onnx_node *node);

/* As quire_matmulnbits_read; UNSUPPORTED also for weights that are not raw:
 * prepacked for a device, or of no integer type. */
quire_status quire_qmoe_read(const struct onnx_model *model,
			     const struct onnx_node *node, size_t index,
			     struct weight *weight, quire_error *error);

#endif
