/*
 * npy_header.h - the dictionary in a .npy header.
 */
#ifndef QUIRE_CLI_FILES_NPY_HEADER_H
#define QUIRE_CLI_FILES_NPY_HEADER_H

#include "cli/files/npy.h"

/* Parses `size` bytes of text that begin at byte `offset` of the stream. Fails
 * with LAYOUT for a malformed dictionary, UNSUPPORTED for an array of another
 * type or order. */
quire_status npy_header_parse(const char *text, size_t size, uint64_t offset,
			      struct npy_header *header, quire_error *error);

#endif
