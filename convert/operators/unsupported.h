/*
 * unsupported.h - the operators with quantized weights that are not taken.
 */
#ifndef QUIRE_CONVERT_OPERATORS_UNSUPPORTED_H
#define QUIRE_CONVERT_OPERATORS_UNSUPPORTED_H

#include "convert/onnx/onnx.h"

/* OK, or UNSUPPORTED for a node whose quantized weight would be missing from
 * the container, or be there as bare numbers without its scales. */
quire_status quire_unsupported_check(const struct onnx_model *model,
				     const struct onnx_node *node,
				     quire_error *error);

#endif
