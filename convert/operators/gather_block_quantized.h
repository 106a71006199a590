/*
 * gather_block_quantized.h - the quantized embeddings of one
 * com.microsoft.GatherBlockQuantized node, as a weight of rows.
 */
#ifndef QUIRE_CONVERT_OPERATORS_GATHER_BLOCK_QUANTIZED_H
#define QUIRE_CONVERT_OPERATORS_GATHER_BLOCK_QUANTIZED_H

#include "convert/weight/weight.h"

bool quire_gather_is(const struct onnx_model *model,
		     const struct onnx_node *node);

/* As quire_matmulnbits_read; UNSUPPORTED also for data that is not quantized
 * along its last dimension. */
quire_status quire_gather_read(const struct onnx_model *model,
			       const struct onnx_node *node, size_t index,
			       struct weight *weight, quire_error *error);

#endif
