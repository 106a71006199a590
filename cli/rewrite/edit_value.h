/*
 * edit_value.h - metadata values from the text of a command line, and as text
 * to show. What is wrong with a text has been told on stderr when a call
 * returns false.
 */
#ifndef QUIRE_CLI_REWRITE_EDIT_VALUE_H
#define QUIRE_CLI_REWRITE_EDIT_VALUE_H

#include "quire.h"

/* A value's type; of an array, its elements'. */
struct edit_type {
	quire_value_type type;
	bool array;
};

/* "u32", "string", "[f32]" and so on, of `size` bytes. False, and nothing
 * told, for anything else. */
bool edit_type_named(const char *name, size_t size, struct edit_type *type);

struct edit_type edit_type_of(const quire_value *value);

/* What a text looks like, for a key that has no type yet: true and false are
 * bool; whole numbers u32, else i32, else i64, else u64; other numbers f32,
 * else f64; a list in brackets an array; all else string. `key` is for
 * messages. */
bool edit_type_guess(const char *key, const char *text, struct edit_type *type);

/* The value that `text` is as that type. *storage is to be freed after the
 * last use of *value. `key` is for messages. */
bool edit_value_parse(const char *key, struct edit_type type, const char *text,
		      quire_value *value, void **storage);

/* Prints "u32 7", "string 'llama'", "[f32] of 3". */
void edit_value_print(const quire_value *value);

#endif
