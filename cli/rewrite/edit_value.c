/*
 * edit_value.c - scalars are read by the C library's strict cousins of what
 * the specification's text form prints; arrays are JSON, read by Jansson, in
 * which numbers that JSON cannot hold are strings.
 */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/rewrite/edit_value.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

struct scalar_type {
	const char *name;
	size_t size; /* in a file; 0: of its own */
	uint64_t max;
	int64_t min;
};

/* By GGUF's numbers; arrays are no scalar. */
static const struct scalar_type scalars[] = {
	[QUIRE_VALUE_U8] = { "u8", 1, UINT8_MAX, 0 },
	[QUIRE_VALUE_I8] = { "i8", 1, INT8_MAX, INT8_MIN },
	[QUIRE_VALUE_U16] = { "u16", 2, UINT16_MAX, 0 },
	[QUIRE_VALUE_I16] = { "i16", 2, INT16_MAX, INT16_MIN },
	[QUIRE_VALUE_U32] = { "u32", 4, UINT32_MAX, 0 },
	[QUIRE_VALUE_I32] = { "i32", 4, INT32_MAX, INT32_MIN },
	[QUIRE_VALUE_F32] = { "f32", 4, 0, 0 },
	[QUIRE_VALUE_BOOL] = { "bool", 1, 0, 0 },
	[QUIRE_VALUE_STRING] = { "string", 0, 0, 0 },
	[QUIRE_VALUE_ARRAY] = { NULL, 0, 0, 0 },
	[QUIRE_VALUE_U64] = { "u64", 8, UINT64_MAX, 0 },
	[QUIRE_VALUE_I64] = { "i64", 8, INT64_MAX, INT64_MIN },
	[QUIRE_VALUE_F64] = { "f64", 8, 0, 0 },
};

#define SCALAR_COUNT (sizeof(scalars) / sizeof(*scalars))

bool edit_type_named(const char *name, size_t size, struct edit_type *type)
{
	const bool array = size > 2 && name[0] == '[' && name[size - 1] == ']';

	if (array) {
		name++;
		size -= 2;
	}
	for (size_t i = 0; i < SCALAR_COUNT; i++) {
		if (!scalars[i].name ||
		    !text_equal_any_case((quire_string){ name, size },
					 scalars[i].name))
			continue;
		*type = (struct edit_type){ (quire_value_type)i, array };
		return true;
	}
	return false;
}

struct edit_type edit_type_of(const quire_value *value)
{
	const bool array = value->type == QUIRE_VALUE_ARRAY;

	return (struct edit_type){ array ? value->as.a.type : value->type,
				   array };
}

/* ------------------------------------------------------------------ numbers */

/* -?[0-9]+ as a sign and what is behind it. */
static bool parse_integer(const char *text, bool *negative, uint64_t *size)
{
	char *end;

	*negative = *text == '-';
	if (*negative)
		text++;
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*size = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool fits(quire_value_type type, bool negative, uint64_t size)
{
	/* -min, which for the least number is no int64_t. */
	const uint64_t lowest = (uint64_t)0 - (uint64_t)scalars[type].min;

	return negative ? size <= lowest : size <= scalars[type].max;
}

static bool is_float(quire_value_type type)
{
	return type == QUIRE_VALUE_F32 || type == QUIRE_VALUE_F64;
}

/* A number that is too great for its type would become infinite. */
static bool fits_float(quire_value_type type, double number)
{
	return type == QUIRE_VALUE_F64 || !isfinite(number) ||
	       fabs(number) <= (double)FLT_MAX;
}

static bool parse_float(quire_value_type type, const char *text, double *number)
{
	char *end;

	if (*text == '\0' || isspace((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtod(text, &end);
	if (*end != '\0' || (errno == ERANGE && isinf(*number)) ||
	    !fits_float(type, *number))
		return false;
	if (type == QUIRE_VALUE_F32)
		*number = (double)(float)*number; /* what the file will have */
	return true;
}

static bool parse_number(quire_value_type type, const char *text,
			 quire_value *value)
{
	bool negative;
	uint64_t size;

	if (is_float(type))
		return parse_float(type, text, &value->as.f);
	if (!parse_integer(text, &negative, &size) ||
	    !fits(type, negative, size))
		return false;
	value->as.u = negative ? (uint64_t)0 - size : size;
	return true;
}

static bool parse_bool(const char *text, bool *value)
{
	*value = strcmp(text, "true") == 0;
	return *value || strcmp(text, "false") == 0;
}

static bool parse_scalar(quire_value_type type, const char *text, size_t size,
			 quire_value *value)
{
	value->type = type;
	switch (type) {
	case QUIRE_VALUE_STRING:
		value->as.s = (quire_string){ text, size };
		return quire_utf8_valid(text, size);
	case QUIRE_VALUE_BOOL:
		return parse_bool(text, &value->as.b);
	default:
		return parse_number(type, text, value);
	}
}

/* ------------------------------------------------------------------- arrays */

/* One element as the type wants it. Strings are taken for numbers, too: "nan"
 * and what is above 2^63 - 1 cannot be written otherwise. */
static bool take_element(quire_value_type type, const json_t *json,
			 quire_value *value)
{
	int64_t number;

	value->type = type;
	if (json_is_string(json) && type != QUIRE_VALUE_BOOL)
		return parse_scalar(type, json_string_value(json),
				    json_string_length(json), value);
	if (type == QUIRE_VALUE_STRING)
		return false;
	if (type == QUIRE_VALUE_BOOL) {
		value->as.b = json_is_true(json);
		return json_is_boolean(json);
	}
	if (is_float(type)) {
		value->as.f = json_number_value(json);
		return json_is_number(json) && fits_float(type, value->as.f);
	}
	if (!json_is_integer(json))
		return false;
	number = json_integer_value(json);
	value->as.i = number;
	return fits(type, number < 0,
		    number < 0 ? (uint64_t)0 - (uint64_t)number
			       : (uint64_t)number);
}

static size_t element_size(const quire_value *value)
{
	return value->type == QUIRE_VALUE_STRING ? 8 + value->as.s.size
						 : scalars[value->type].size;
}

static unsigned char *put_bits(unsigned char *bytes, uint64_t bits, size_t size)
{
	for (; size > 0; size--, bits >>= 8)
		*bytes++ = (unsigned char)bits;
	return bytes;
}

static unsigned char *put_element(unsigned char *bytes,
				  const quire_value *value)
{
	const size_t size = scalars[value->type].size;
	uint64_t wide = value->as.u;
	float number;
	uint32_t narrow;

	switch (value->type) {
	case QUIRE_VALUE_STRING:
		bytes = put_bits(bytes, value->as.s.size, 8);
		memcpy(bytes, value->as.s.data, value->as.s.size);
		return bytes + value->as.s.size;
	case QUIRE_VALUE_BOOL:
		return put_bits(bytes, value->as.b, size);
	case QUIRE_VALUE_F32:
		number = (float)value->as.f;
		memcpy(&narrow, &number, sizeof(narrow));
		return put_bits(bytes, narrow, size);
	case QUIRE_VALUE_F64:
		memcpy(&wide, &value->as.f, sizeof(wide));
		return put_bits(bytes, wide, size);
	default:
		return put_bits(bytes, wide, size);
	}
}

static bool bad_element(const char *key, quire_value_type type, size_t index)
{
	trouble("edit: '%s': element %zu of the array is no %s", key, index,
		scalars[type].name);
	return false;
}

static bool encode_array(const char *key, quire_value_type type,
			 const json_t *list, quire_value *value, void **storage)
{
	const size_t count = json_array_size(list);
	quire_value element;
	unsigned char *bytes;
	size_t size = 0;

	for (size_t i = 0; i < count; i++) {
		if (!take_element(type, json_array_get(list, i), &element))
			return bad_element(key, type, i);
		size += element_size(&element);
	}
	*storage = malloc(size + 1); /* not nothing */
	if (!*storage) {
		trouble_memory();
		return false;
	}
	bytes = *storage;
	for (size_t i = 0; i < count; i++) {
		take_element(type, json_array_get(list, i), &element);
		bytes = put_element(bytes, &element);
	}
	value->type = QUIRE_VALUE_ARRAY;
	value->as.a = (quire_array){ type, count, *storage, size };
	return true;
}

static json_t *load_array(const char *key, const char *text)
{
	json_error_t error;
	json_t *list = json_loads(text, JSON_ALLOW_NUL, &error);

	if (list && json_is_array(list))
		return list;
	trouble("edit: '%s' is an array, for which '%.60s' is no JSON list%s%s",
		key, text, list ? "" : ": ", list ? "" : error.text);
	json_decref(list);
	return NULL;
}

static bool parse_array(const char *key, quire_value_type type,
			const char *text, quire_value *value, void **storage)
{
	json_t *list = load_array(key, text);
	bool parsed;

	if (!list)
		return false;
	parsed = encode_array(key, type, list, value, storage);
	json_decref(list);
	return parsed;
}

/* A number in a file has a line end behind it. A copy without it, and without
 * anything behind a NUL, which no number has. */
static bool parse_line(quire_value_type type, const char *text, size_t size,
		       quire_value *value)
{
	char line[512];

	while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
		size--;
	if (size >= sizeof(line) || memchr(text, '\0', size))
		return false;
	memcpy(line, text, size);
	line[size] = '\0';
	return parse_scalar(type, line, size, value);
}

bool edit_value_parse(const char *key, struct edit_type type, const char *text,
		      size_t size, quire_value *value, void **storage)
{
	*storage = NULL;
	if (type.array && strlen(text) != size) {
		trouble("edit: '%s': the list has a NUL byte", key);
		return false;
	}
	if (type.array)
		return parse_array(key, type.type, text, value, storage);
	if (type.type == QUIRE_VALUE_STRING
		? parse_scalar(type.type, text, size, value)
		: parse_line(type.type, text, size, value))
		return true;
	if (type.type == QUIRE_VALUE_STRING)
		trouble("edit: '%s': the text is not UTF-8", key);
	else
		trouble("edit: '%s' is of type %s, which '%.60s' is not; "
			"'KEY:TYPE=VALUE' changes the type",
			key, scalars[type.type].name, text);
	return false;
}

/* ------------------------------------------------------------------ guesses */

/* The first of these types that takes each element, or none. */
static bool guess_elements(const json_t *list, quire_value_type *type)
{
	static const quire_value_type tried[] = {
		QUIRE_VALUE_BOOL, QUIRE_VALUE_I32, QUIRE_VALUE_I64,
		QUIRE_VALUE_F32,  QUIRE_VALUE_F64, QUIRE_VALUE_STRING,
	};
	const size_t count = json_array_size(list);
	size_t i, j;

	for (i = 0; i < sizeof(tried) / sizeof(*tried); i++) {
		for (j = 0; j < count; j++) {
			const json_t *json = json_array_get(list, j);
			quire_value value;

			if (json_is_string(json) !=
				(tried[i] == QUIRE_VALUE_STRING) ||
			    !take_element(tried[i], json, &value))
				break;
		}
		*type = tried[i];
		if (j == count)
			return true;
	}
	return false;
}

static bool guess_array(const char *key, const char *text,
			struct edit_type *type)
{
	json_t *list = load_array(key, text);
	bool guessed;

	if (!list)
		return false;
	type->array = true;
	guessed =
	    json_array_size(list) > 0 && guess_elements(list, &type->type);
	json_decref(list);
	if (!guessed)
		trouble("edit: '%s': the elements have no common type; "
			"'KEY:[TYPE]=VALUE' gives one",
			key);
	return guessed;
}

/* JSON's grammar of numbers: no sign but -, no leading zeros, no "nan". */
static bool looks_like_number(const char *text, bool *whole)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	const bool number = !isspace((unsigned char)text[0]) &&
			    text[0] != '\0' &&
			    isdigit((unsigned char)text[strlen(text) - 1]);
	const bool found = number && json_is_number(json);

	json_decref(json);
	*whole = strpbrk(text, ".eE") == NULL;
	/* Jansson refuses whole numbers above 2^63 - 1. */
	return found ||
	       (*whole && isdigit((unsigned char)text[0]) && text[0] != '0' &&
		text[strspn(text, "0123456789")] == '\0');
}

bool edit_type_guess(const char *key, const char *text, struct edit_type *type)
{
	static const quire_value_type wholes[] = { QUIRE_VALUE_U32,
						   QUIRE_VALUE_I32,
						   QUIRE_VALUE_I64,
						   QUIRE_VALUE_U64 };
	static const quire_value_type floats[] = { QUIRE_VALUE_F32,
						   QUIRE_VALUE_F64 };
	const quire_value_type *tried = wholes;
	size_t count = sizeof(wholes) / sizeof(*wholes);
	quire_value value;
	bool whole;

	*type = (struct edit_type){ QUIRE_VALUE_STRING, false };
	if (text[0] == '[')
		return guess_array(key, text, type);
	if (parse_bool(text, &value.as.b)) {
		type->type = QUIRE_VALUE_BOOL;
		return true;
	}
	if (!looks_like_number(text, &whole))
		return true;
	if (!whole) {
		tried = floats;
		count = sizeof(floats) / sizeof(*floats);
	}
	for (size_t i = 0; i < count; i++) {
		if (!parse_number(tried[i], text, &value))
			continue;
		type->type = tried[i];
		break;
	}
	return true;
}

/* -------------------------------------------------------------------- shown */

/* Longer strings are cut. */
#define SHOWN_CAPACITY 61

void edit_value_print(const quire_value *value)
{
	char shown[SHOWN_CAPACITY];

	if (value->type == QUIRE_VALUE_ARRAY) {
		printf("[%s] of %" PRIu64, scalars[value->as.a.type].name,
		       value->as.a.count);
		return;
	}
	printf("%s ", scalars[value->type].name);
	switch (value->type) {
	case QUIRE_VALUE_STRING:
		printf("'%s'", text_shorten(shown, sizeof(shown), value->as.s));
		break;
	case QUIRE_VALUE_BOOL:
		fputs(value->as.b ? "true" : "false", stdout);
		break;
	case QUIRE_VALUE_F32:
		printf("%.9g", value->as.f);
		break;
	case QUIRE_VALUE_F64:
		printf("%.17g", value->as.f);
		break;
	case QUIRE_VALUE_I8:
	case QUIRE_VALUE_I16:
	case QUIRE_VALUE_I32:
	case QUIRE_VALUE_I64:
		printf("%" PRId64, value->as.i);
		break;
	default:
		printf("%" PRIu64, value->as.u);
		break;
	}
}
