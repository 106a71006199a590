/*
 * window.c - moves the window to where bytes are wanted.
 */
#include "convert/onnx/window.h"

#include <assert.h>
#include <string.h>

void quire_window_open(struct window *window, const struct onnx_file *file,
		       quire_error *error)
{
	window->file = file;
	window->size = file->size;
	window->bytes = window->room;
	window->first = 0;
	window->count = 0;
	window->status = QUIRE_OK;
	window->error = error;
}

void quire_window_of(struct window *window, const void *bytes, size_t size)
{
	window->file = NULL;
	window->size = size;
	window->bytes = bytes;
	window->first = 0;
	window->count = size;
	window->status = QUIRE_OK;
	window->error = NULL;
}

static bool is_inside(const struct window *window, uint64_t at, size_t size)
{
	return at >= window->first && at - window->first <= window->count &&
	       size <= window->count - (at - window->first);
}

static void move(struct window *window, uint64_t at)
{
	const uint64_t left = window->size - at;
	const size_t count = left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE;

	window->count = 0;
	window->status = quire_onnx_file_read(window->file, at, window->room,
					      count, window->error);
	if (window->status != QUIRE_OK)
		return;
	window->first = at;
	window->count = count;
}

const unsigned char *quire_window_peek(struct window *window, uint64_t at,
				       size_t size)
{
	assert(size <= WINDOW_SIZE);
	assert(at <= window->size && size <= window->size - at);
	if (window->status == QUIRE_OK && !is_inside(window, at, size))
		move(window, at);
	if (window->status != QUIRE_OK)
		return NULL;
	return window->bytes + (at - window->first);
}

quire_status quire_window_read(struct window *window, uint64_t at, void *to,
			       size_t size)
{
	const unsigned char *bytes;

	assert(at <= window->size && size <= window->size - at);
	if (window->status != QUIRE_OK || size == 0)
		return window->status;
	if (size > WINDOW_SIZE && window->file) {
		window->status = quire_onnx_file_read(window->file, at, to,
						      size, window->error);
		return window->status;
	}
	bytes = window->file ? quire_window_peek(window, at, size)
			     : window->bytes + at;
	if (bytes)
		memcpy(to, bytes, size);
	return window->status;
}
