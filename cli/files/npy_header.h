/*
 * npy_header.h - the dictionary in a .npy header, and npy's way to fail.
 */
#ifndef QUIRE_CLI_FILES_NPY_HEADER_H
#define QUIRE_CLI_FILES_NPY_HEADER_H

#include "cli/files/npy.h"

/* Parses `size` bytes of text that begin at byte `offset` of the stream.
 * Fails with LAYOUT for what is no such dictionary, UNSUPPORTED for arrays
 * of other types or orders. */
quire_status npy_header_parse(const char *text, size_t size, uint64_t offset,
			      struct npy_header *header, quire_error *error);

#if defined(__GNUC__)
#define NPY_PRINTF __attribute__((format(printf, 4, 5)))
#else
#define NPY_PRINTF
#endif

/* Fills *error, which may be NULL, and returns `status`. */
quire_status npy_fail(quire_error *error, quire_status status, uint64_t offset,
		      const char *format, ...) NPY_PRINTF;

#endif
