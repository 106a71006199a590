/*
 * onnx_read.h - reads an ONNX file into plain C. Weights are only located, in
 * the file as well as beside it; but those that the message gives as numbers
 * are held in memory.
 */
#ifndef QUIRE_CONVERT_ONNX_ONNX_READ_H
#define QUIRE_CONVERT_ONNX_ONNX_READ_H

#include "convert/onnx/onnx_model.h"

/*
 * Reads the model at `path`. On success *model is the caller's, for
 * quire_onnx_close. Fails with IO, MEMORY, LAYOUT for a file that is no
 * model or contradicts itself, UNSUPPORTED for what we do not read.
 */
quire_status quire_onnx_open(const char *path, struct onnx_model **model,
			     quire_error *error);

/* NULL is fine. */
void quire_onnx_close(struct onnx_model *model);

#endif
