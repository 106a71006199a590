/*
 * skeleton.h - a model without the bytes of its weights, so that unpacking it
 * makes no second copy of them: raw data gives way to two fields of our own,
 * raw_offset and raw_size of onnx_subset.proto, that tell where in the file it
 * lies.
 */
#ifndef QUIRE_CONVERT_SKELETON_H
#define QUIRE_CONVERT_SKELETON_H

#include <stddef.h>

#include "quire.h"

/*
 * The skeleton of a model's `size` bytes, to be freed. Messages that are no
 * protobuf stay as they are, for the unpacker to refuse. Of the model's own
 * tensors none keeps fields of those numbers. Fails with MEMORY only.
 */
quire_status quire_skeleton_make(const unsigned char *bytes, size_t size,
				 unsigned char **skeleton,
				 size_t *skeleton_size, quire_error *error);

#endif
