/*
 * wire.c - reads protobuf fields through a window. Every size is compared with
 * the bytes that are left.
 */
#include <assert.h>
#include <string.h>

#include "convert/onnx/wire.h"

/* ------------------------------------------------------------------ window */

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

/* ------------------------------------------------------------------ fields */

/* Ten bytes of seven bits hold 64. */
#define VARINT_MAX 10

static bool take_varint(struct wire *wire, uint64_t *value)
{
	const uint64_t left = wire->end - wire->at;
	const size_t most = left < VARINT_MAX ? (size_t)left : VARINT_MAX;
	const unsigned char *bytes =
	    quire_window_peek(wire->window, wire->at, most);
	uint64_t sum = 0;

	for (size_t i = 0; bytes && i < most; i++) {
		sum |= (uint64_t)(bytes[i] & 0x7F) << (7 * i);
		if (bytes[i] < 0x80) {
			*value = sum;
			wire->at += i + 1;
			return true;
		}
	}
	return false;
}

static bool take_bytes(struct wire *wire, uint64_t size,
		       struct wire_field *field)
{
	if (size > wire->end - wire->at)
		return false;
	field->at = wire->at;
	field->size = size;
	wire->at += size;
	return true;
}

static bool take_body(struct wire *wire, uint64_t type,
		      struct wire_field *field)
{
	uint64_t size;

	switch (type) {
	case WIRE_VARINT:
		return take_varint(wire, &field->value);
	case WIRE_FIXED64:
		return take_bytes(wire, 8, field);
	case WIRE_FIXED32:
		return take_bytes(wire, 4, field);
	case WIRE_BYTES:
		return take_varint(wire, &size) &&
		       take_bytes(wire, size, field);
	default:
		return false; /* groups: ONNX has none */
	}
}

bool quire_wire_next(struct wire *wire, struct wire_field *field)
{
	struct wire_field taken = { .start = wire->at };
	uint64_t key;

	if (wire->malformed || wire->at == wire->end)
		return false;
	if (!take_varint(wire, &key) || !take_body(wire, key & 7, &taken)) {
		wire->malformed = true;
		return false;
	}
	taken.number = key >> 3;
	taken.type = (enum wire_type)(key & 7);
	taken.whole = wire->at - taken.start;
	*field = taken;
	return true;
}

struct wire quire_wire_all(struct window *window)
{
	return (struct wire){ .window = window, .end = window->size };
}

struct wire quire_wire_within(struct window *window,
			      const struct wire_field *field)
{
	return (struct wire){ .window = window,
			      .at = field->at,
			      .end = field->at + field->size };
}

static size_t put_varint(unsigned char *out, uint64_t value)
{
	size_t size = 0;

	while (value >= 0x80) {
		out[size++] = (unsigned char)(value | 0x80);
		value >>= 7;
	}
	out[size++] = (unsigned char)value;
	return size;
}

size_t quire_wire_header(unsigned char *out, uint32_t number,
			 enum wire_type type, uint64_t value)
{
	const size_t size =
	    put_varint(out, (uint64_t)number << 3 | (uint64_t)type);

	return size + put_varint(out + size, value);
}
