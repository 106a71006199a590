/*
 * value.c - decodes metadata values and walks arrays. Checks no sizes: the
 * parser has done so before a quire_value exists.
 */
#include "format/value.h"

#include "base/bytes.h"

size_t quire_value_size(quire_value_type type)
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

quire_value quire_value_load(quire_value_type type, const void *bytes)
{
	const unsigned char *b = bytes;
	quire_value value = { .type = type };

	switch (type) {
	case QUIRE_VALUE_U8:
		value.as.u = *b;
		break;
	case QUIRE_VALUE_I8:
		value.as.i = (int8_t)*b;
		break;
	case QUIRE_VALUE_BOOL:
		value.as.b = *b != 0;
		break;
	case QUIRE_VALUE_U16:
		value.as.u = load_u16(b);
		break;
	case QUIRE_VALUE_I16:
		value.as.i = (int16_t)load_u16(b);
		break;
	case QUIRE_VALUE_U32:
		value.as.u = load_u32(b);
		break;
	case QUIRE_VALUE_I32:
		value.as.i = (int32_t)load_u32(b);
		break;
	case QUIRE_VALUE_F32:
		value.as.f = (double)load_f32(b);
		break;
	case QUIRE_VALUE_U64:
		value.as.u = load_u64(b);
		break;
	case QUIRE_VALUE_I64:
		value.as.i = (int64_t)load_u64(b);
		break;
	case QUIRE_VALUE_F64:
		value.as.f = load_f64(b);
		break;
	case QUIRE_VALUE_STRING:
	case QUIRE_VALUE_ARRAY:
		break;
	}
	return value;
}

bool quire_array_next(quire_array *array, quire_value *element)
{
	const unsigned char *bytes = array->data;
	size_t size = quire_value_size(array->type);

	if (array->count == 0)
		return false;
	if (array->type == QUIRE_VALUE_STRING) {
		element->type = QUIRE_VALUE_STRING;
		element->as.s.data = (const char *)bytes + 8;
		element->as.s.size = (size_t)load_u64(bytes);
		size = 8 + element->as.s.size;
	} else {
		*element = quire_value_load(array->type, bytes);
	}
	array->data = bytes + size;
	array->size -= size;
	array->count--;
	return true;
}

/* The size of the well-formed sequence at `b`, or 0: RFC 3629, section 4. */
static size_t utf8_sequence(const unsigned char *b, size_t size)
{
	const size_t length = b[0] < 0x80	      ? 1
			      : (b[0] & 0xE0) == 0xC0 ? 2
			      : (b[0] & 0xF0) == 0xE0 ? 3
			      : (b[0] & 0xF8) == 0xF0 ? 4
						      : 0;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;

	if (length == 0 || length > size)
		return 0;
	if (length == 1)
		return 1;
	code = b[0] & (0xFFu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((b[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (b[i] & 0x3Fu);
	}
	if (code < least[length] || code > 0x10FFFF ||
	    (code >= 0xD800 && code <= 0xDFFF))
		return 0;
	return length;
}

bool quire_utf8_valid(const char *text, size_t size)
{
	const unsigned char *b = (const unsigned char *)text;
	size_t at = 0;

	while (at < size) {
		const size_t length = utf8_sequence(b + at, size - at);

		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

bool quire_string_equal(quire_string a, quire_string b)
{
	return a.size == b.size &&
	       (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool quire_string_starts(quire_string string, const char *prefix)
{
	const size_t size = strlen(prefix);

	return string.size >= size && memcmp(string.data, prefix, size) == 0;
}
