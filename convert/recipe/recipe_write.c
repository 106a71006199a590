/*
 * recipe_write.c - writes a recipe as a text that reads back as the same
 * recipe. Each key has a writer, write_<key>. Names and texts of the user are
 * in double quotes, which can hold any character in YAML.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/recipe/recipe_private.h"

/* What 0 means in quire_writer_options. */
#define DEFAULT_ALIGNMENT 16384

/* A YAML key before a colon has at most 1024 characters; a longer one needs a ?
 * before it. */
#define KEY_MAX_SIZE 1000

struct text {
	char *bytes;
	size_t size, capacity;
	bool failed;
};

static void put_bytes(struct text *text, const char *bytes, size_t size)
{
	const size_t wanted = text->size + size + 1;

	if (wanted > text->capacity && !text->failed) {
		char *grown = realloc(text->bytes, 2 * wanted);

		text->failed = !grown;
		if (grown) {
			text->bytes = grown;
			text->capacity = 2 * wanted;
		}
	}
	if (text->failed)
		return;
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
}

static void put(struct text *text, const char *words)
{
	put_bytes(text, words, strlen(words));
}

/* For numbers: at most 63 bytes. */
static void put_number(struct text *text, const char *format, ...)
    QUIRE_PRINTF(2, 3);
static void put_number(struct text *text, const char *format, ...)
{
	char number[64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(number, sizeof(number), format, arguments);
	va_end(arguments);
	put(text, number);
}

/* Takes one character from the front of valid UTF-8. */
static uint32_t take_character(const char **at, size_t *size)
{
	const unsigned char first = (unsigned char)**at;
	const size_t length = recipe_character_size(*at, *size);
	uint32_t character = first < 0x80 ? first : first & (0x7fu >> length);

	for (size_t i = 1; i < length; i++)
		character = character << 6 | ((unsigned char)(*at)[i] & 0x3f);
	*at += length;
	*size -= length;
	return character;
}

/* Whether a character is not allowed in a YAML file, or not kept by readers. */
static bool must_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 ||
	       c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static void put_quoted(struct text *text, const char *string, size_t size)
{
	put(text, "\"");
	while (size > 0) {
		const char *from = string;
		const uint32_t c = take_character(&string, &size);

		if (must_escape(c)) {
			put_number(text, "\\u%04" PRIX32, c);
			continue;
		}
		if (c == '"' || c == '\\')
			put(text, "\\");
		put_bytes(text, from, (size_t)(string - from));
	}
	put(text, "\"");
}

/* Writes a key, indented by two columns, up to where its value begins. */
static void put_key(struct text *text, const char *key)
{
	const size_t before = text->size;

	put(text, "  ");
	put_quoted(text, key, strlen(key));
	if (text->size - before > KEY_MAX_SIZE && !text->failed) {
		text->size = before;
		put(text, "  ? ");
		put_quoted(text, key, strlen(key));
		put(text, "\n  ");
	}
	put(text, ": ");
}

static void put_patterns(struct text *text, const char *key,
			 const struct recipe_pattern *patterns, size_t count)
{
	put(text, key);
	if (count == 1) {
		put(text, " ");
		put_quoted(text, patterns->text, strlen(patterns->text));
	}
	for (size_t i = 0; i < count && count > 1; i++) {
		put(text, "\n  - ");
		put_quoted(text, patterns[i].text, strlen(patterns[i].text));
	}
	put(text, "\n");
}

static void write_take(struct text *text, const struct recipe *recipe)
{
	put(text, "# The tensors to take, and of these the ones to leave.\n");
	if (recipe->take_count > 0)
		put_patterns(text, "take:", recipe->take, recipe->take_count);
	else
		put(text, "take: \"*\"\n");
}

static void write_leave(struct text *text, const struct recipe *recipe)
{
	if (recipe->leave_count > 0)
		put_patterns(text, "leave:", recipe->leave,
			     recipe->leave_count);
	else
		put(text, "leave: []\n");
}

static void write_unsupported(struct text *text, const struct recipe *recipe)
{
	put(text, "\n# What to do with a node whose quantized weight cannot be "
		  "converted: error, or\n"
		  "# leave it out. Those that match a pattern of 'leave' are "
		  "left out anyway.\n"
		  "unsupported: ");
	put(text, recipe->leave_unsupported ? "leave\n" : "error\n");
}

static void write_rename(struct text *text, const struct recipe *recipe)
{
	put(text, "\n# New names. The first pattern that matches counts; the "
		  "new name may use what\n"
		  "# the pattern keeps as {n}.\n"
		  "rename:");
	put(text, recipe->rename_count > 0 ? "\n" : " {}\n");
	for (size_t i = 0; i < recipe->rename_count; i++) {
		const struct recipe_rename *rename = &recipe->renames[i];

		put_key(text, rename->from.text);
		put_quoted(text, rename->to_text, strlen(rename->to_text));
		put(text, "\n");
	}
}

static void write_dense(struct text *text, const struct recipe *recipe)
{
	const bool one_for_all = recipe->dense_count == 1 &&
				 strcmp(recipe->dense->names.text, "*") == 0;

	put(text, "\n# The type of dense tensors: keep, f32, f16 or bf16; or "
		  "patterns with a type\n"
		  "# each, where the first that matches counts.\n"
		  "dense:");
	if (recipe->dense_count == 0 || one_for_all) {
		put(text, " ");
		put(text, recipe->dense_count == 0
			      ? "keep"
			      : quire_recipe_dense_name(recipe->dense->type));
	}
	put(text, "\n");
	for (size_t i = 0; i < recipe->dense_count && !one_for_all; i++) {
		put_key(text, recipe->dense[i].names.text);
		put(text, quire_recipe_dense_name(recipe->dense[i].type));
		put(text, "\n");
	}
}

static void write_fallback(struct text *text, const struct recipe *recipe)
{
	put(text, "\n# What a quantized weight becomes if no block type holds "
		  "it: f32, f16 or error.\n"
		  "fallback: ");
	put(text, quire_recipe_fallback_name(recipe->fallback));
	put(text, "\n");
}

static void put_float(struct text *text, quire_value_type type, double number)
{
	if (isnan(number))
		put(text, ".nan");
	else if (isinf(number))
		put(text, number < 0 ? "-.inf" : ".inf");
	else
		put_number(text, "%.*g", type == QUIRE_VALUE_F32 ? 9 : 17,
			   number);
}

static void put_scalar(struct text *text, const quire_value *value)
{
	switch (value->type) {
	case QUIRE_VALUE_STRING:
		put_quoted(text, value->as.s.data, value->as.s.size);
		break;
	case QUIRE_VALUE_BOOL:
		put(text, value->as.b ? "true" : "false");
		break;
	case QUIRE_VALUE_F32:
	case QUIRE_VALUE_F64:
		put_float(text, value->type, value->as.f);
		break;
	case QUIRE_VALUE_I8:
	case QUIRE_VALUE_I16:
	case QUIRE_VALUE_I32:
	case QUIRE_VALUE_I64:
		put_number(text, "%" PRId64, value->as.i);
		break;
	default:
		put_number(text, "%" PRIu64, value->as.u);
		break;
	}
}

static void put_value(struct text *text, const quire_value *value)
{
	const bool is_array = value->type == QUIRE_VALUE_ARRAY;
	quire_array rest = value->as.a;
	quire_value element;
	const char *before = "[";

	put(text, "!");
	put(text, quire_recipe_type_name(is_array ? rest.type : value->type));
	put(text, " ");
	if (!is_array) {
		put_scalar(text, value);
		return;
	}
	while (quire_array_next(&rest, &element)) {
		put(text, before);
		put_scalar(text, &element);
		before = ", ";
	}
	put(text, "]");
}

static void write_metadata(struct text *text, const struct recipe *recipe)
{
	put(text, "\n# Keys of the container. The defaults: "
		  "general.architecture is onnx,\n"
		  "# general.name is the graph's name, or else the file's.\n"
		  "metadata:");
	put(text, recipe->value_count > 0 ? "\n" : " {}\n");
	for (size_t i = 0; i < recipe->value_count; i++) {
		put_key(text, recipe->values[i].key);
		put_value(text, &recipe->values[i].value);
		put(text, "\n");
	}
}

static void write_alignment(struct text *text, const struct recipe *recipe)
{
	put(text, "\n# Each tensor begins at a multiple of this many bytes: a "
		  "power of two from 32\n"
		  "# to 65536.\n");
	put_number(text, "alignment: %" PRIu32 "\n",
		   recipe->alignment ? recipe->alignment : DEFAULT_ALIGNMENT);
}

static void write_split_size(struct text *text, const struct recipe *recipe)
{
	put(text, "\n# The largest size of one file, such as 4G; a larger "
		  "container is split into\n"
		  "# several. 0: always one file.\n");
	put_number(text, "split_size: %" PRIu64 "\n", recipe->split_size);
}

#define WRITER(name) write_##name,
static void (*const writers[])(struct text *,
			       const struct recipe *) = { RECIPE_KEYS(WRITER) };
#undef WRITER

quire_status quire_recipe_write(const quire_convert_options *options,
				char **text, quire_error *error)
{
	static const quire_convert_options defaults;
	struct recipe recipe;
	const quire_status status =
	    quire_recipe_load(options ? options : &defaults, &recipe, error);

	if (status != QUIRE_OK)
		return status;

	struct text made = { .bytes = NULL };

	put(&made,
	    "# A recipe for 'quire convert --recipe FILE'.\n\n"
	    "# Patterns match the names that 'quire info' shows of the model "
	    "converted\n"
	    "# without a recipe: * is any run of characters, ? is one, {n} is "
	    "one or more\n"
	    "# other than . and /.\n\n");
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		writers[i](&made, &recipe);
	quire_recipe_free(&recipe);
	if (made.failed) {
		free(made.bytes);
		return quire_fail_memory(error, made.size);
	}
	*text = made.bytes;
	return QUIRE_OK;
}

void quire_recipe_text_free(char *text)
{
	free(text);
}
