/*
 * skeleton.h - a model without the bytes of its weights, which stay in the file
 * as those of external data do: raw data gives way to two fields of our own,
 * raw_offset and raw_size of onnx_subset.proto, that tell where it lies.
 */
#ifndef QUIRE_CONVERT_ONNX_SKELETON_H
#define QUIRE_CONVERT_ONNX_SKELETON_H

#include "convert/onnx/onnx_external.h"

/*
 * The skeleton of the model in an acquired file, to be freed. Messages that are
 * no protobuf stay as they are, for the unpacker to refuse. Of the model's own
 * tensors none keeps fields of those numbers. Fails with MEMORY, IO.
 */
quire_status quire_skeleton_make(const struct onnx_file *file,
				 unsigned char **skeleton, size_t *size,
				 quire_error *error);

#endif
