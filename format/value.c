/*
 * value.c - decodes metadata values and walks arrays. The parser has checked
 * their sizes before a quire_value exists; those in an array of strings are
 * checked once more, because whoever owns the memory may have changed it.
 */
#include "format/value.h"

#include "base/bytes.h"

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

/* Bytes of the first element, with the size of a string; SIZE_MAX: the array
 * does not hold it. */
static size_t first_size(const quire_array *array)
{
	uint64_t size = quire_value_size(array->type);

	if (array->type == QUIRE_VALUE_STRING &&
	    (array->size < 8 || !checked_add(load_u64(array->data), 8, &size)))
		return SIZE_MAX;
	return size <= array->size ? (size_t)size : SIZE_MAX;
}

bool quire_array_next(quire_array *array, quire_value *element)
{
	const unsigned char *bytes = array->data;
	size_t size;

	if (array->count == 0)
		return false;
	size = first_size(array);
	/* The parser has seen the array whole; its bytes are others now. */
	if (size == SIZE_MAX) {
		array->count = 0;
		return false;
	}
	if (array->type == QUIRE_VALUE_STRING) {
		element->type = QUIRE_VALUE_STRING;
		element->as.s.data = (const char *)bytes + 8;
		element->as.s.size = size - 8;
	} else {
		*element = quire_value_load(array->type, bytes);
	}
	array->data = bytes + size;
	array->size -= size;
	array->count--;
	return true;
}
