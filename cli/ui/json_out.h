/*
 * json_out.h - writes JSON without building a tree, so an array of millions of
 * items takes no memory. Members of the first two levels are each on a line of
 * their own, deeper ones are not. Jansson encodes strings and numbers.
 *
 *	struct json_out out = json_out_start(stdout);
 *	json_out_begin(&out, NULL, '{');
 *	json_out_text(&out, "name", "x");
 *	json_out_end(&out, '}');
 *	if (!json_out_finish(&out)) ... out of memory ...
 *
 * `key` names a member of an object; it is NULL in an array. Strings may hold
 * any bytes: each byte that is not valid UTF-8 becomes U+FFFD.
 */
#ifndef QUIRE_CLI_UI_JSON_OUT_H
#define QUIRE_CLI_UI_JSON_OUT_H

#include <stdio.h>

#include "quire.h"

struct json_out {
	FILE *stream;
	size_t flags; /* for jansson */
	unsigned depth;
	bool first; /* the innermost object or array is empty */
	bool failed;
};

struct json_out json_out_start(FILE *stream);

/* `bracket` is '{' or '[', and then '}' or ']'. */
void json_out_begin(struct json_out *out, const char *key, char bracket);
void json_out_end(struct json_out *out, char bracket);

void json_out_null(struct json_out *out, const char *key);
/* NULL: null. */
void json_out_text(struct json_out *out, const char *key, const char *text);
void json_out_string(struct json_out *out, const char *key, quire_string text);
/* 16 lower-case hexadecimal digits, as a string. */
void json_out_hash(struct json_out *out, const char *key, uint64_t hash);
/* A number; above 2^63 - 1, which many readers cannot hold, a string of decimal
 * digits. */
void json_out_u64(struct json_out *out, const char *key, uint64_t number);
/* A number, or the string "nan", "inf" or "-inf". */
void json_out_f64(struct json_out *out, const char *key, double number);

/* Whether the numbers of this key are checksums, which are shown in
 * hexadecimal. `type` is the type of the value, not of an element. */
bool json_out_is_hash(quire_string key, quire_value_type type);

/* A metadata value. Checksums are written as by json_out_hash. */
void json_out_value(struct json_out *out, quire_string key,
		    const quire_value *value);

/* Ends the line. False: memory ran out in one of the calls. */
bool json_out_finish(struct json_out *out);

#endif
