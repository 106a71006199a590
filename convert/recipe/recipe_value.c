/*
 * recipe_value.c - values as people write them: metadata in YAML, and sizes.
 * YAML 1.1 has numbers and truth values that this reader does not have (yes,
 * 0x10, 1_000, 012). It refuses them instead of taking them for text; quotes
 * make them text.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/recipe/recipe_private.h"
#include "format/value.h"

struct scalar_type {
	const char *name;
	uint64_t max;	 /* of integers */
	uint64_t lowest; /* of integers: -min */
};

/* Indexed by GGUF's numbers of types; an array is not a scalar. */
static const struct scalar_type scalars[] = {
	[QUIRE_VALUE_U8] = { "u8", UINT8_MAX, 0 },
	[QUIRE_VALUE_I8] = { "i8", INT8_MAX, UINT64_C(1) << 7 },
	[QUIRE_VALUE_U16] = { "u16", UINT16_MAX, 0 },
	[QUIRE_VALUE_I16] = { "i16", INT16_MAX, UINT64_C(1) << 15 },
	[QUIRE_VALUE_U32] = { "u32", UINT32_MAX, 0 },
	[QUIRE_VALUE_I32] = { "i32", INT32_MAX, UINT64_C(1) << 31 },
	[QUIRE_VALUE_F32] = { "f32", 0, 0 },
	[QUIRE_VALUE_BOOL] = { "bool", 0, 0 },
	[QUIRE_VALUE_STRING] = { "string", 0, 0 },
	[QUIRE_VALUE_ARRAY] = { NULL, 0, 0 },
	[QUIRE_VALUE_U64] = { "u64", UINT64_MAX, 0 },
	[QUIRE_VALUE_I64] = { "i64", INT64_MAX, UINT64_C(1) << 63 },
	[QUIRE_VALUE_F64] = { "f64", 0, 0 },
};

#define SCALAR_COUNT (sizeof(scalars) / sizeof(scalars[0]))

struct values {
	const char *name; /* of the recipe */
	struct arena *arena;
	quire_error *error;
};

const char *quire_recipe_type_name(quire_value_type type)
{
	return scalars[type].name;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads -?(0|[1-9][0-9]*) as a sign and a size. */
static bool parse_integer(const char *text, bool *negative, uint64_t *size)
{
	const char *digits = text + (*text == '-');

	*negative = *text == '-';
	*size = 0;
	if (!is_digit(*digits) || (*digits == '0' && digits[1]))
		return false;
	for (; is_digit(*digits); digits++)
		if (!checked_mul(*size, 10, size) ||
		    !checked_add(*size, (uint64_t)(*digits - '0'), size))
			return false;
	return *digits == '\0';
}

/* Reads [-+]?[0-9.][0-9.eE+-]*, [-+]?.inf or .nan. */
static bool parse_float(const char *text, double *number)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end;

	if (strcmp(digits, ".inf") == 0 || strcmp(text, ".nan") == 0) {
		*number = digits[1] == 'n' ? (double)NAN : (double)INFINITY;
		if (*text == '-')
			*number = -*number;
		return true;
	}
	if (!(is_digit(*digits) || *digits == '.') ||
	    text[strspn(text, "0123456789.eE+-")] != '\0' ||
	    (*digits == '0' && is_digit(digits[1])))
		return false;
	errno = 0;
	*number = strtod(text, &end);
	return *end == '\0' && isfinite(*number);
}

static bool fits(quire_value_type type, bool negative, uint64_t size)
{
	return size <= (negative ? scalars[type].lowest : scalars[type].max);
}

static bool is_float(quire_value_type type)
{
	return type == QUIRE_VALUE_F32 || type == QUIRE_VALUE_F64;
}

static bool is_bool(const struct recipe_node *node)
{
	return strcmp(node->text, "true") == 0 ||
	       strcmp(node->text, "false") == 0;
}

/* Reads the scalar as that type; false: the type does not hold it. */
static bool parse_as(const struct recipe_node *node, quire_value_type type,
		     quire_value *value)
{
	bool negative;
	uint64_t size;

	value->type = type;
	if (type == QUIRE_VALUE_STRING) {
		value->as.s = (quire_string){ node->text, node->size };
		return true;
	}
	if (type == QUIRE_VALUE_BOOL) {
		value->as.b = node->text[0] == 't';
		return is_bool(node);
	}
	if (is_float(type)) {
		if (!parse_float(node->text, &value->as.f))
			return false;
		if (type == QUIRE_VALUE_F64 || !isfinite(value->as.f))
			return true;
		if (fabs(value->as.f) > (double)FLT_MAX)
			return false;
		value->as.f = (double)(float)value->as.f;
		return true;
	}
	if (!parse_integer(node->text, &negative, &size) ||
	    !fits(type, negative, size))
		return false;
	value->as.u = negative ? (uint64_t)0 - size : size;
	return true;
}

/* Whether YAML 1.1 reads the scalar as something else than text. */
static bool is_ambiguous(const struct recipe_node *node)
{
	static const char *const words[] = { "yes", "no",   "on",   "off",
					     "y",   "n",    "~",    "null",
					     "",    "true", "false" };
	const char *digits = node->text + strspn(node->text, "-+");
	const size_t size = strlen(node->text);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t at = 0;

		while (at < size && words[i][at] &&
		       (node->text[at] | 0x20) == (words[i][at] | 0x20))
			at++;
		if (at == size && !words[i][at])
			return true;
	}
	if (!is_digit(*digits))
		return false;
	/* A number in another base, one with _ or :, or a date. */
	return (digits[0] == '0' && strchr("xob", digits[1] | 0x20)) ||
	       digits[strspn(digits, "0123456789_:.+-eE")] == '\0';
}

/* Finds the type that a scalar without a tag looks like; false if it could be
 * text or not. */
static bool guess(const struct recipe_node *node, quire_value_type *type)
{
	static const quire_value_type order[] = {
		QUIRE_VALUE_BOOL, QUIRE_VALUE_U32, QUIRE_VALUE_I32,
		QUIRE_VALUE_I64,  QUIRE_VALUE_U64, QUIRE_VALUE_F32,
	};
	quire_value ignored;

	*type = QUIRE_VALUE_STRING;
	if (node->quoted)
		return true;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (parse_as(node, order[i], &ignored)) {
			*type = order[i];
			return true;
		}
	return !is_ambiguous(node);
}

static quire_status find_type(const struct values *in,
			      const struct recipe_node *node,
			      const struct recipe_node *example,
			      quire_value_type *type)
{
	if (!node->tag) {
		if (guess(example, type))
			return QUIRE_OK;
		return quire_recipe_fail(
		    in->name, example, in->error,
		    "'%.40s' may be text or not; put it in quotes, or give it "
		    "a type such as !u32",
		    example->text);
	}
	for (size_t i = 0; i < SCALAR_COUNT; i++)
		if (scalars[i].name &&
		    strcmp(scalars[i].name, node->tag) == 0) {
			*type = (quire_value_type)i;
			return QUIRE_OK;
		}
	return quire_recipe_fail(in->name, node, in->error,
				 "unknown type '!%.20s'; the types are u8 to "
				 "u64, i8 to i64, f32, f64, bool and string",
				 node->tag);
}

static quire_status read_scalar(const struct values *in,
				const struct recipe_node *node,
				quire_value_type type, quire_value *value)
{
	if (node->kind != RECIPE_SCALAR)
		return quire_recipe_fail(in->name, node, in->error,
					 "a list holds scalars only");
	if (parse_as(node, type, value))
		return QUIRE_OK;
	return quire_recipe_fail(in->name, node, in->error,
				 "'%.60s' is not of type %s", node->text,
				 scalars[type].name);
}

/* Writes an element as it lies in a file to `bytes`, unless it is NULL. Returns
 * its size. */
static size_t store(const quire_value *value, unsigned char *bytes)
{
	const size_t size = quire_value_size(value->type);
	unsigned char wide[8];

	if (value->type == QUIRE_VALUE_STRING) {
		if (bytes) {
			store_u64(bytes, value->as.s.size);
			memcpy(bytes + 8, value->as.s.data, value->as.s.size);
		}
		return 8 + value->as.s.size;
	}
	if (value->type == QUIRE_VALUE_F32)
		store_f32(wide, (float)value->as.f);
	else if (value->type == QUIRE_VALUE_BOOL)
		store_u64(wide, value->as.b);
	else /* a double's bits; of an integer its low bytes */
		store_u64(wide, value->as.u);
	if (bytes)
		memcpy(bytes, wide, size);
	return size;
}

static bool all_fit(const struct recipe_node *list, quire_value_type type)
{
	quire_value ignored;

	for (const struct recipe_node *node = list->first; node;
	     node = node->next)
		if (node->kind != RECIPE_SCALAR ||
		    !parse_as(node, type, &ignored))
			return false;
	return true;
}

/* A list of numbers has the type that its first number looks like, if all fit
 * it, else the next wider type that all fit. */
static quire_value_type widen(const struct recipe_node *list,
			      quire_value_type type)
{
	static const quire_value_type wider[] = { QUIRE_VALUE_I32,
						  QUIRE_VALUE_I64,
						  QUIRE_VALUE_U64,
						  QUIRE_VALUE_F32 };

	if (list->tag || type == QUIRE_VALUE_STRING ||
	    type == QUIRE_VALUE_BOOL || all_fit(list, type))
		return type;
	for (size_t i = 0; i < sizeof(wider) / sizeof(wider[0]); i++)
		if (all_fit(list, wider[i]))
			return wider[i];
	return type;
}

static quire_status read_list(const struct values *in,
			      const struct recipe_node *list,
			      quire_value *value)
{
	if (!list->first)
		return quire_recipe_fail(in->name, list, in->error,
					 "an empty list, which some readers "
					 "of GGUF cannot read");
	if (list->first->kind != RECIPE_SCALAR)
		return quire_recipe_fail(in->name, list->first, in->error,
					 "a list holds scalars only");

	quire_value_type type;
	quire_status status = find_type(in, list, list->first, &type);
	uint64_t count = 0;
	size_t size = 0;
	quire_value element;

	if (status != QUIRE_OK)
		return status;
	type = widen(list, type);
	for (const struct recipe_node *node = list->first; node;
	     node = node->next) {
		if (node->tag)
			return quire_recipe_fail(in->name, node, in->error,
						 "the type of a list stands "
						 "before the list");
		status = read_scalar(in, node, type, &element);
		if (status != QUIRE_OK)
			return status;
		size += store(&element, NULL);
		count++;
	}

	unsigned char *bytes = quire_arena_own(in->arena, size + 1, 1);

	if (!bytes)
		return quire_fail_memory(in->error, size + 1);
	*value = (quire_value){ .type = QUIRE_VALUE_ARRAY,
				.as.a = { type, count, bytes, size } };
	for (const struct recipe_node *node = list->first; node;
	     node = node->next) {
		parse_as(node, type, &element);
		bytes += store(&element, bytes);
	}
	return QUIRE_OK;
}

quire_status quire_recipe_read_value(const char *name,
				     const struct recipe_node *node,
				     struct arena *arena, quire_value *value,
				     quire_error *error)
{
	const struct values in = { name, arena, error };
	quire_value_type type;
	quire_status status;

	if (node->kind == RECIPE_MAP)
		return quire_recipe_fail(name, node, error,
					 "a value is a scalar or a list; write "
					 "the key with its dots as one key");
	if (node->kind == RECIPE_LIST)
		return read_list(&in, node, value);
	status = find_type(&in, node, node, &type);
	return status == QUIRE_OK ? read_scalar(&in, node, type, value)
				  : status;
}

/* ------------------------------------------------------------------- sizes */

static char upper_case(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* Takes a unit, if any, from the front of the text. Returns its factor. */
static uint64_t take_unit(const char **text)
{
	static const char letters[] = "KMGT";
	const char found = upper_case(**text);
	const char *letter = found ? strchr(letters, found) : NULL;
	const uint64_t thousand =
	    letter && upper_case((*text)[1]) == 'I' ? 1024 : 1000;
	uint64_t unit = 1;

	if (!letter)
		return 1;
	for (const char *l = letters; l <= letter; l++)
		unit *= thousand;
	*text += thousand == 1024 ? 2 : 1;
	return unit;
}

/* 10^6: more digits after the point than anybody means, and few enough that
 * the fraction times a unit fits: 10^6 x 2^40 < 2^63. */
#define MOST_PARTS 1000000

/* Digits after a point, as *fraction / *parts. */
static bool take_fraction(const char **text, uint64_t *fraction,
			  uint64_t *parts)
{
	*fraction = 0;
	*parts = 1;
	if (**text != '.')
		return true;
	for (++*text; **text >= '0' && **text <= '9'; ++*text) {
		*fraction = *fraction * 10 + (uint64_t)(**text - '0');
		*parts *= 10;
		if (*parts > MOST_PARTS)
			return false;
	}
	return *parts > 1;
}

bool quire_size_parse(const char *text, uint64_t *size)
{
	uint64_t number = 0;
	uint64_t fraction, parts, unit;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (!checked_mul(number, 10, &number) ||
		    !checked_add(number, (uint64_t)(*text - '0'), &number))
			return false;
	if (!take_fraction(&text, &fraction, &parts))
		return false;
	unit = take_unit(&text);
	/* There is no fraction of a byte. */
	if ((parts > 1 && unit == 1) || !checked_mul(number, unit, &number) ||
	    !checked_add(number, fraction * unit / parts, &number))
		return false;
	text += *text == 'B' || *text == 'b';
	if (*text || number > INT64_MAX)
		return false;
	*size = number;
	return true;
}
