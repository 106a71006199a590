/*
 * node_reshape.h - the one operator that may stand between a constant and the
 * node that takes it for a weight: it moves no byte.
 */
#ifndef QUIRE_CONVERT_OPERATORS_NODE_RESHAPE_H
#define QUIRE_CONVERT_OPERATORS_NODE_RESHAPE_H

#include "convert/operators/node_check.h"

/*
 * Turns a part that a Reshape of a constant computes into that constant, in
 * its new shape; leaves others as they are. Fails with LAYOUT for a new shape
 * of another number of elements; IO, MEMORY for one that cannot be read.
 */
quire_status quire_node_reshaped(const struct node_check *in,
				 struct node_part *part);

#endif
