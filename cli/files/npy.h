/*
 * npy.h - NumPy's .npy files, versions 1 to 3, as far as matmul needs them:
 * float32 and float16, little-endian, C order. All else is refused with the
 * NumPy call that would make it fit.
 *
 * The format is NumPy's own document, numpy.lib.format: "\x93NUMPY", a
 * version of two bytes, the header's size (u16; u32 from version 2 on), the
 * header, a Python dictionary in text, and then the elements.
 *
 * Failures are told through quire_error as the library does; offsets in it
 * count from the start of the stream.
 */
#ifndef QUIRE_CLI_FILES_NPY_H
#define QUIRE_CLI_FILES_NPY_H

#include <stdio.h>

#include "quire.h"

/* NumPy 2 knows 64 dimensions. */
#define NPY_RANK_MAX 64

struct npy_header {
	quire_dtype dtype;	      /* QUIRE_F32 or QUIRE_F16 */
	uint32_t rank;		      /* 0: one number */
	uint64_t shape[NPY_RANK_MAX]; /* in C order: the fastest one last */
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

/* "[2, 3]" into `buffer`, which it fills no further than `capacity`. */
char *npy_shape_text(char *buffer, size_t capacity,
		     const struct npy_header *header);

/*
 * Reads one array, which must be all that is in the stream. A file too short
 * for what its header says is refused before anything is allocated; a pipe
 * costs no more memory than twice what it delivers. On success the array is
 * the caller's. Fails with IO, MEMORY, MAGIC, VERSION, TRUNCATED, LAYOUT,
 * UNSUPPORTED.
 */
quire_status npy_read(FILE *stream, struct npy_array *array,
		      quire_error *error);

/* Frees the data; a zeroed array is fine. */
void npy_free(struct npy_array *array);

/* Writes what comes before the elements. Stream errors are left to the
 * caller, as ferror tells them. */
void npy_write_header(FILE *stream, const struct npy_header *header);

/* Writes `count` elements that are in host byte order; `data` is clobbered
 * on a big-endian machine. */
void npy_write(FILE *stream, quire_dtype dtype, void *data, size_t count);

#endif
