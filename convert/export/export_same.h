/*
 * export_same.h - tensors that need no way back: the node has that weight.
 */
#ifndef QUIRE_CONVERT_EXPORT_EXPORT_SAME_H
#define QUIRE_CONVERT_EXPORT_EXPORT_SAME_H

#include "convert/weight/weight.h"

/* Whether a tensor of a weight's shape decodes to the dequantized weight of
 * the node, to the last bit. */
quire_status quire_export_same(const struct weight *weight,
			       const quire_tensor *tensor, bool *same,
			       quire_error *error);

#endif
