/*
 * value.h - metadata values between bytes and quire_value.
 */
#ifndef QUIRE_FORMAT_VALUE_H
#define QUIRE_FORMAT_VALUE_H

#include "quire.h"

/* Bytes of one value of a type of fixed size; 0 for strings, arrays and
 * numbers that are no type. */
size_t quire_value_size(quire_value_type type);

/* Decodes one value of fixed size from quire_value_size(type) bytes. */
quire_value quire_value_load(quire_value_type type, const void *bytes);

/* Whether the bytes are well-formed UTF-8 (RFC 3629). */
bool quire_utf8_valid(const char *text, size_t size);

/* A view of a C string. */
static inline quire_string quire_string_of(const char *text)
{
	quire_string string = { text, 0 };

	while (text[string.size])
		string.size++;
	return string;
}

bool quire_string_equal(quire_string a, quire_string b);
bool quire_string_starts(quire_string string, const char *prefix);

#endif
