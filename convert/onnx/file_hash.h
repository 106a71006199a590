/*
 * file_hash.h - the XXH3-64 of a file, by several threads.
 */
#ifndef QUIRE_CONVERT_ONNX_FILE_HASH_H
#define QUIRE_CONVERT_ONNX_FILE_HASH_H

#include "convert/onnx/onnx.h"

/*
 * Of an acquired file; `threads` 0: one for each CPU. What it takes of memory
 * goes by the threads. Fails with IO, MEMORY, ARGUMENT for too many threads.
 */
quire_status quire_file_hash(const struct onnx_file *file, uint32_t threads,
			     uint64_t *xxh3, quire_error *error);

#endif
