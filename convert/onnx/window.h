/*
 * window.h - the bytes of a file by their offsets, of which a few are in
 * memory at a time: whoever goes from field to field past the weights of a
 * model needs no more. Bytes that are all in memory are a window too.
 */
#ifndef QUIRE_CONVERT_ONNX_WINDOW_H
#define QUIRE_CONVERT_ONNX_WINDOW_H

#include "convert/onnx/onnx_external.h"

/* What is read at once: a hundred nodes, or the fields around a weight. */
#define WINDOW_SIZE ((size_t)16 << 10)

struct window {
	const struct onnx_file *file; /* NULL: all is in memory */
	uint64_t size;
	const unsigned char *bytes; /* those from `first` on */
	uint64_t first;
	size_t count;
	quire_status status; /* of the reading; the first failure stays */
	quire_error *error;
	unsigned char room[WINDOW_SIZE];
};

/* Of an acquired file, which must last as the window does. */
void quire_window_open(struct window *window, const struct onnx_file *file,
		       quire_error *error);

/* Of bytes in memory, which must last too. */
void quire_window_of(struct window *window, const void *bytes, size_t size);

/*
 * `size` bytes at an offset, at most WINDOW_SIZE, all of which must lie in the
 * file: where they are until the next call. NULL if they cannot be read, which
 * `status` then tells.
 */
const unsigned char *quire_window_peek(struct window *window, uint64_t at,
				       size_t size);

/* Copies any number of bytes, which must lie in the file too. */
quire_status quire_window_read(struct window *window, uint64_t at, void *to,
			       size_t size);

#endif
