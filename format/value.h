/*
 * value.h - metadata values between bytes and quire_value.
 */
#ifndef QUIRE_FORMAT_VALUE_H
#define QUIRE_FORMAT_VALUE_H

#include <string.h>

#include "quire.h"

/* Bytes of one value of a type of fixed size; 0 for strings, arrays and unknown
 * types. */
static inline size_t quire_value_size(quire_value_type type)
{
	switch (type) {
	case QUIRE_VALUE_U8:
	case QUIRE_VALUE_I8:
	case QUIRE_VALUE_BOOL:
		return 1;
	case QUIRE_VALUE_U16:
	case QUIRE_VALUE_I16:
		return 2;
	case QUIRE_VALUE_U32:
	case QUIRE_VALUE_I32:
	case QUIRE_VALUE_F32:
		return 4;
	case QUIRE_VALUE_U64:
	case QUIRE_VALUE_I64:
	case QUIRE_VALUE_F64:
		return 8;
	case QUIRE_VALUE_STRING:
	case QUIRE_VALUE_ARRAY:
		break;
	}
	return 0;
}

/* Decodes one value of fixed size from quire_value_size(type) bytes. */
quire_value quire_value_load(quire_value_type type, const void *bytes);

/* A view of a C string. */
static inline quire_string quire_string_of(const char *text)
{
	const quire_string string = { text, strlen(text) };

	return string;
}

static inline bool quire_string_equal(quire_string a, quire_string b)
{
	return a.size == b.size &&
	       (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool quire_string_starts(quire_string string, const char *prefix)
{
	const quire_string start = quire_string_of(prefix);

	return string.size >= start.size &&
	       memcmp(string.data, start.data, start.size) == 0;
}

#endif
