/*
 * dequantize_map.h - a DequantizeLinear node in the course of being read.
 */
#ifndef QUIRE_CONVERT_OPERATORS_DEQUANTIZE_MAP_H
#define QUIRE_CONVERT_OPERATORS_DEQUANTIZE_MAP_H

#include "convert/operators/node_check.h"

struct dequantize {
	struct node_check node; /* the DequantizeLinear */
	struct weight *weight;
	bool gathered;	 /* its inputs are rows that a Gather looks up */
	bool transposed; /* a row of W is a column of x */
	int64_t axis;
	uint64_t block_size; /* 0: none */
	struct node_part x;
	struct node_part scale;
	struct node_part zero;
};

/*
 * Sets blocks and scale_map of the weight, for which all but `zero` is read.
 * Fails with LAYOUT for scales of another shape than x, axis and block_size
 * make, UNSUPPORTED for an axis in the middle.
 */
quire_status quire_dequantize_map(struct dequantize *in);

#endif
