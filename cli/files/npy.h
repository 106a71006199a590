/*
 * npy.h - NumPy's .npy files, versions 1 to 3, as matmul needs them: float32
 * and float16, little-endian, C order. Other arrays are refused; the error
 * gives the NumPy call that converts them.
 *
 * NumPy's numpy.lib.format describes the format: "\x93NUMPY", a
 * version of two bytes, the size of the header (u16; u32 from version 2 on),
 * the header, which is the text of a Python dictionary, and the elements.
 *
 * Errors are those of the library; their offsets count from the start of the
 * stream, and they name no file.
 */
#ifndef QUIRE_CLI_FILES_NPY_H
#define QUIRE_CLI_FILES_NPY_H

#include <stdio.h>

#include "quire.h"

/* NumPy 2 allows 64 dimensions. */
#define NPY_RANK_MAX 64

struct npy_header {
	quire_dtype dtype;	      /* QUIRE_F32 or QUIRE_F16 */
	uint32_t rank;		      /* 0: a single number */
	uint64_t shape[NPY_RANK_MAX]; /* in C order */
};

struct npy_array {
	struct npy_header header;
	uint64_t count; /* of elements: the product of the shape */
	void *data;	/* in host byte order; owned: npy_free */
};

/* Bytes of one element. */
size_t npy_element_size(quire_dtype dtype);

/* "float32" or "float16". Static storage. */
const char *npy_dtype_name(quire_dtype dtype);

/* Writes for example "[2, 3]" into `buffer` of `capacity` bytes, and returns
 * it. */
char *npy_shape_text(char *buffer, size_t capacity,
		     const struct npy_header *header);

/*
 * Reads one array; nothing may follow it in the stream. A file that is too
 * short for its header is refused before memory is allocated; for a pipe,
 * memory is at most twice the bytes that it delivers. On success the caller
 * owns the array. Fails with IO, MEMORY, MAGIC, VERSION, TRUNCATED, LAYOUT,
 * UNSUPPORTED.
 */
quire_status npy_read(FILE *stream, struct npy_array *array,
		      quire_error *error);

/* Frees the data; an array of zeros is fine. */
void npy_free(struct npy_array *array);

/* Writes what comes before the elements. The caller checks the stream for
 * errors. */
void npy_write_header(FILE *stream, const struct npy_header *header);

/* Writes `count` elements in host byte order; on a big-endian machine, changes
 * `data`. */
void npy_write(FILE *stream, quire_dtype dtype, void *data, size_t count);

#endif
