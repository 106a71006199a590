/*
 * matmul_bnb4.h - the weight of one com.microsoft.MatMulBnb4 node, as
 * bitsandbytes quantizes: codes of 4 bits that a codebook of 16 numbers
 * translates, times the greatest magnitude of their block. Blocks are of the
 * flattened [N, K], so that one may reach into the next row, and the high half
 * of a byte comes first. After ONNX Runtime's ContribOperators.md and
 * blockwise_quant_block_bnb4.h.
 */
#ifndef QUIRE_CONVERT_OPERATORS_MATMUL_BNB4_H
#define QUIRE_CONVERT_OPERATORS_MATMUL_BNB4_H

#include "convert/weight/weight.h"

bool quire_bnb4_is(const struct onnx_model *model,
		   const struct onnx_node *node);

/* As quire_matmulnbits_read; UNSUPPORTED also for transB = 0, of training. */
quire_status quire_bnb4_read(const struct onnx_model *model,
			     const struct onnx_node *node, size_t index,
			     struct weight *weight, quire_error *error);

#endif
