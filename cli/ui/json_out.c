/*
 * json_out.c - the JSON writer, and how metadata values become JSON. That is
 * fixed: spec/read.py prints the same values.
 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "cli/ui/json_out.h"
#include "cli/ui/text.h"

/* Members of this many levels are each on their own line. */
#define DEPTH_OF_LINES 2

/* U+FFFD, the replacement character. */
static const char replacement[] = "\xEF\xBF\xBD";
#define REPLACEMENT_SIZE (sizeof(replacement) - 1)

struct json_out json_out_start(FILE *stream)
{
	/* A string may hold characters that control a terminal: C1, or bidi
	 * overrides. */
	const bool is_terminal =
	    quire_file_is_terminal(quire_stream_file(stream));

	return (struct json_out){
		.stream = stream,
		.flags =
		    JSON_ENCODE_ANY | (is_terminal ? JSON_ENSURE_ASCII : 0),
		.first = true,
	};
}

static void new_line(struct json_out *out)
{
	fprintf(out->stream, "\n%*s", (int)out->depth * 2, "");
}

/* Writes and frees `value`. */
static void put(struct json_out *out, json_t *value)
{
	if (!value || json_dumpf(value, out->stream, out->flags) != 0)
		out->failed = out->failed || !ferror(out->stream);
	json_decref(value);
}

static size_t valid_prefix(const char *data, size_t size)
{
	size_t at = 0;
	size_t step;

	while (at < size) {
		step = quire_utf8_size(data + at, size - at);
		if (step == 0)
			break;
		at += step;
	}
	return at;
}

static json_t *string_replaced(quire_string text)
{
	json_t *value;
	size_t at = 0;
	size_t used = 0;
	char *copy;

	if (text.size > SIZE_MAX / REPLACEMENT_SIZE)
		return NULL;
	copy = malloc(text.size * REPLACEMENT_SIZE);
	if (!copy)
		return NULL;
	while (at < text.size) {
		const size_t good =
		    valid_prefix(text.data + at, text.size - at);

		memcpy(copy + used, text.data + at, good);
		used += good;
		at += good;
		if (at == text.size)
			break;
		memcpy(copy + used, replacement, REPLACEMENT_SIZE);
		used += REPLACEMENT_SIZE;
		at++;
	}
	value = json_stringn(copy, used);
	free(copy);
	return value;
}

static json_t *string_of(quire_string text)
{
	if (text.size == 0)
		return json_string("");
	if (valid_prefix(text.data, text.size) == text.size)
		return json_stringn(text.data, text.size);
	return string_replaced(text);
}

/* Writes what comes before an item: a comma, a new line or space, the key. */
static void separate(struct json_out *out, const quire_string *key)
{
	if (!out->first)
		fputc(',', out->stream);
	if (out->depth > 0 && out->depth <= DEPTH_OF_LINES)
		new_line(out);
	else if (!out->first)
		fputc(' ', out->stream);
	out->first = false;
	if (key) {
		put(out, string_of(*key));
		fputs(": ", out->stream);
	}
}

static void separate_text(struct json_out *out, const char *key)
{
	const quire_string string = text_of(key ? key : "");

	separate(out, key ? &string : NULL);
}

static void begin(struct json_out *out, char bracket)
{
	fputc(bracket, out->stream);
	out->depth++;
	out->first = true;
}

void json_out_begin(struct json_out *out, const char *key, char bracket)
{
	separate_text(out, key);
	begin(out, bracket);
}

void json_out_end(struct json_out *out, char bracket)
{
	out->depth--;
	if (!out->first && out->depth < DEPTH_OF_LINES)
		new_line(out);
	out->first = false;
	fputc(bracket, out->stream);
}

void json_out_null(struct json_out *out, const char *key)
{
	separate_text(out, key);
	fputs("null", out->stream);
}

void json_out_text(struct json_out *out, const char *key, const char *text)
{
	if (text)
		json_out_string(out, key, text_of(text));
	else
		json_out_null(out, key);
}

void json_out_string(struct json_out *out, const char *key, quire_string text)
{
	separate_text(out, key);
	put(out, string_of(text));
}

static void put_hash(struct json_out *out, uint64_t hash)
{
	fprintf(out->stream, "\"%016" PRIx64 "\"", hash);
}

void json_out_hash(struct json_out *out, const char *key, uint64_t hash)
{
	separate_text(out, key);
	put_hash(out, hash);
}

static void put_u64(struct json_out *out, uint64_t number)
{
	const char *quote = number > INT64_MAX ? "\"" : "";

	fprintf(out->stream, "%s%" PRIu64 "%s", quote, number, quote);
}

void json_out_u64(struct json_out *out, const char *key, uint64_t number)
{
	separate_text(out, key);
	put_u64(out, number);
}

static void put_f64(struct json_out *out, double number)
{
	if (isnan(number))
		fputs("\"nan\"", out->stream);
	else if (isinf(number))
		fputs(number > 0 ? "\"inf\"" : "\"-inf\"", out->stream);
	else
		put(out, json_real(number));
}

void json_out_f64(struct json_out *out, const char *key, double number)
{
	separate_text(out, key);
	put_f64(out, number);
}

/* A value that is not an array. */
static void put_plain(struct json_out *out, const quire_value *value,
		      bool as_hash)
{
	switch (value->type) {
	case QUIRE_VALUE_U8:
	case QUIRE_VALUE_U16:
	case QUIRE_VALUE_U32:
		put_u64(out, value->as.u);
		return;
	case QUIRE_VALUE_U64:
		if (as_hash)
			put_hash(out, value->as.u);
		else
			put_u64(out, value->as.u);
		return;
	case QUIRE_VALUE_I8:
	case QUIRE_VALUE_I16:
	case QUIRE_VALUE_I32:
	case QUIRE_VALUE_I64:
		fprintf(out->stream, "%" PRId64, value->as.i);
		return;
	case QUIRE_VALUE_F32:
	case QUIRE_VALUE_F64:
		put_f64(out, value->as.f);
		return;
	case QUIRE_VALUE_BOOL:
		fputs(value->as.b ? "true" : "false", out->stream);
		return;
	case QUIRE_VALUE_STRING:
		put(out, string_of(value->as.s));
		return;
	case QUIRE_VALUE_ARRAY:
		break;
	}
	out->failed = true;
}

bool json_out_is_hash(quire_string key, quire_value_type type)
{
	if (type == QUIRE_VALUE_ARRAY)
		return text_equal(key, "quire.tensor.xxh3") ||
		       text_equal(key, "quire.split.xxh3");
	return text_equal(key, "quire.header.xxh3") ||
	       text_equal(key, "quire.source.xxh3");
}

void json_out_value(struct json_out *out, quire_string key,
		    const quire_value *value)
{
	const bool as_hash = json_out_is_hash(key, value->type);
	quire_array rest;
	quire_value element;

	separate(out, &key);
	if (value->type != QUIRE_VALUE_ARRAY) {
		put_plain(out, value, as_hash);
		return;
	}
	rest = value->as.a;
	begin(out, '[');
	while (quire_array_next(&rest, &element)) {
		separate(out, NULL);
		put_plain(out, &element, as_hash);
	}
	json_out_end(out, ']');
}

bool json_out_finish(struct json_out *out)
{
	fputc('\n', out->stream);
	return !out->failed;
}
