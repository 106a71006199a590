/*
 * compare_weight.h - holds a tensor against the quantized weight that it came
 * from, by a reading of the operator of its own: nothing of what wrote the
 * tensor is used, so that a mistake there is found.
 */
#ifndef QUIRE_CONVERT_COMPARE_COMPARE_WEIGHT_H
#define QUIRE_CONVERT_COMPARE_COMPARE_WEIGHT_H

#include "convert/compare/compare_source.h"
#include "quire_convert.h"

/*
 * Fills in the counts, the scale error and the verdict of *row; *reason is set
 * where the two cannot be held against each other. The source is one that
 * quire_compare_find has found. `linear` is that of the tensor, or NULL for a
 * weight that has none. Fails with LAYOUT for a node that contradicts itself,
 * IO, MEMORY.
 */
quire_status quire_compare_weight(struct compare_source *source,
				  const quire_tensor *tensor,
				  const quire_linear *linear,
				  quire_compare_row *row, const char **reason);

#endif
