/*
 * recognize.h - what a file is that is not what it should be, by its first
 * bytes.
 */
#ifndef QUIRE_CLI_FILES_RECOGNIZE_H
#define QUIRE_CLI_FILES_RECOGNIZE_H

#include <stdbool.h>

#include "quire.h"

/* Where a call that wanted a GGUF file at `path` has failed because of the
 * file's contents, and the file is of another kind that is known, prints which
 * one and the way out, and returns true. Reads at most 512 bytes of the file,
 * and nothing from a pipe. */
bool recognize_no_gguf(const char *path, const quire_error *error);

/* The same where the call wanted an ONNX model. False, too, if the error is
 * about another file. */
bool recognize_no_onnx(const char *path, const quire_error *error);

#endif
