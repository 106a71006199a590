/*
 * wire.h - protobuf below its messages: fields as they lie in a file, and the
 * few bytes before each. What a field holds is not read. Knows no message.
 */
#ifndef QUIRE_CONVERT_ONNX_WIRE_H
#define QUIRE_CONVERT_ONNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convert/onnx/window.h"

/* A key and a size, of ten bytes each at most. */
#define WIRE_HEADER_MAX 20

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2, /* strings, messages and packed numbers too */
	WIRE_FIXED32 = 5,
};

/* The fields of one message that are still to come. */
struct wire {
	struct window *window;
	uint64_t at;
	uint64_t end;
	bool malformed; /* or not to be read, as the window tells */
};

struct wire_field {
	uint64_t number;
	enum wire_type type;
	uint64_t start; /* of the key, in the file */
	uint64_t whole; /* bytes, with the key */
	uint64_t at;	/* of WIRE_BYTES: what it holds */
	uint64_t size;
	uint64_t value; /* of WIRE_VARINT */
};

/* Takes the next field off. False at the end, and for bytes that are no field,
 * which also sets `malformed`. */
bool quire_wire_next(struct wire *wire, struct wire_field *field);

/* The fields of a whole file, and of a message that a field of it holds. */
struct wire quire_wire_all(struct window *window);
struct wire quire_wire_within(struct window *window,
			      const struct wire_field *field);

/* Writes the key of a field, and the varint behind it: the number itself, or
 * of WIRE_BYTES their size. Returns how many bytes that took, at most
 * WIRE_HEADER_MAX. */
size_t quire_wire_header(unsigned char *out, uint32_t number,
			 enum wire_type type, uint64_t value);

#endif
