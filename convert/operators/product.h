/*
 * product.h - nodes that multiply by a matrix B, their second input: MatMul,
 * Gemm, their fused forms, and the Einsum of a matrix product.
 */
#ifndef QUIRE_CONVERT_OPERATORS_PRODUCT_H
#define QUIRE_CONVERT_OPERATORS_PRODUCT_H

#include "convert/operators/operators.h"

struct product {
	bool by_rows;	  /* B is [N, K], a row for each output; else [K, N] */
	const char *note; /* why it is not y = x W^T + bias, or NULL */
	bool is_other;	  /* it is no product of a matrix B at all */
	const struct onnx_value *bias; /* NULL: none, or there is a note */
	struct bias_scale bias_scale;  /* of a bias of INT32 */
	struct onnx_use bias_scale_use;
};

/* Whether a node is one of these operators. */
bool quire_product_is(const struct onnx_node *node);

/* How such a node multiplies by a B of `n` outputs. */
struct product quire_product_read(const struct onnx_model *model,
				  const struct onnx_node *node);

/* Checks the bias, once N is known. */
void quire_product_check_bias(uint64_t n, struct product *product);

/* The constant that an Add adds to a product `y` of `n` columns, one number to
 * each column. NULL: the node is no such Add. */
const struct onnx_value *quire_product_added(const struct onnx_model *model,
					     const struct onnx_node *add,
					     const struct onnx_value *y,
					     uint64_t n);

#endif
