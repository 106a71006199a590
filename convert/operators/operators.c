/*
 * operators.c - the table, and nothing else.
 */
#include "convert/operators/operators.h"

#include "convert/operators/dequantize_linear.h"
#include "convert/operators/gather_block_quantized.h"
#include "convert/operators/matmul_bnb4.h"
#include "convert/operators/qmoe.h"

static const struct weight_kind kinds[] = {
	{ .is = quire_matmulnbits_is, .read = quire_matmulnbits_read },
	{ .is = quire_gather_is, .read = quire_gather_read },
	{ .is = quire_bnb4_is, .read = quire_bnb4_read },
	{ .is = quire_qmoe_is,
	  .count = quire_qmoe_count,
	  .read = quire_qmoe_read },
	{ .is = quire_dequantized_linear_is,
	  .read = quire_dequantized_linear_read },
	{ .is = quire_dequantized_rows_is,
	  .read = quire_dequantized_rows_read },
	{ .is = quire_dequantized_tensor_is,
	  .read = quire_dequantized_tensor_read,
	  .late = true },
};

const struct weight_kind *quire_kind_of(const struct onnx_model *model,
					const struct onnx_node *node)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].is(model, node))
			return &kinds[i];
	return NULL;
}

size_t quire_kind_count(const struct weight_kind *kind,
			const struct onnx_node *node)
{
	return kind->count ? kind->count(node) : 1;
}
