/*
 * export_weight.h - the way back from a tensor to the constants of a node: the
 * codes as the node has them, and the scales in its float type.
 *
 * A scale becomes the tensor's f16 scale. A Q4_1 block has an offset besides,
 * the f16 of -zero * scale with the scale before it was rounded. Where the
 * rounded scale does not give it, the f32 next to that one which gives both
 * is taken, so that the constants, converted again, are the same tensor.
 */
#ifndef QUIRE_CONVERT_EXPORT_EXPORT_WEIGHT_H
#define QUIRE_CONVERT_EXPORT_EXPORT_WEIGHT_H

#include "convert/export/export_contents.h"

/*
 * Writes the value->size bytes that a constant must have for `content`. Fails
 * with LAYOUT where the tensor does not fit the node, as one that was changed
 * or made of another model: a code beyond its bits, columns of one block with
 * two scales, an offset that is not of its zero point; UNSUPPORTED for
 * elements that the constant's type does not hold; IO, MEMORY.
 */
quire_status quire_export_make(const struct onnx_model *model,
			       const struct content *content,
			       unsigned char *bytes, quire_error *error);

#endif
