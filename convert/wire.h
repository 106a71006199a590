/*
 * wire.h - protobuf below its messages: fields as they lie in bytes, and the
 * few bytes before each. Knows no message.
 */
#ifndef QUIRE_CONVERT_WIRE_H
#define QUIRE_CONVERT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	const unsigned char *at;
	const unsigned char *end;
	bool malformed;
};

struct wire_field {
	uint64_t number;
	enum wire_type type;
	const unsigned char *start; /* of the key */
	size_t whole;		    /* bytes, with the key */
	const unsigned char *bytes; /* of WIRE_BYTES: what it holds */
	size_t size;
	uint64_t value; /* of WIRE_VARINT */
};

/* Takes the next field off. False at the end, and for bytes that are no field,
 * which also sets `malformed`. */
bool quire_wire_next(struct wire *wire, struct wire_field *field);

/* The fields of a message that a field holds. */
struct wire quire_wire_within(const struct wire_field *field);

/* Writes the key of a field, and the varint behind it: the number itself, or
 * of WIRE_BYTES their size. Returns how many bytes that took, at most
 * WIRE_HEADER_MAX. */
size_t quire_wire_header(unsigned char *out, uint32_t number,
			 enum wire_type type, uint64_t value);

#endif
