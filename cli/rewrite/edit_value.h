/*
 * edit_value.h - reads metadata values from the command line, and prints them.
 * A call that returns false has printed the error, unless its comment says
 * otherwise.
 */
#ifndef QUIRE_CLI_REWRITE_EDIT_VALUE_H
#define QUIRE_CLI_REWRITE_EDIT_VALUE_H

#include "quire.h"

/* The type of a value; for an array, of its elements. */
struct edit_type {
	quire_value_type type;
	bool array;
};

/* Reads `size` bytes: "u32", "string", "[f32]" and so on. False for anything
 * else; prints nothing. */
bool edit_type_named(const char *name, size_t size, struct edit_type *type);

struct edit_type edit_type_of(const quire_value *value);

/* Guesses the type of a new key from its text: true and false are bool; whole
 * numbers are u32, else i32, else i64, else u64; other numbers are f32, else
 * f64; a list in brackets is an array; all else is string. `key` is for
 * messages. */
bool edit_type_guess(const char *key, const char *text, struct edit_type *type);

/* Reads `size` bytes of text, with a NUL behind them, as a value of that type.
 * *value may point into the text. The caller frees *storage after the last use
 * of *value. `key` is for messages. */
bool edit_value_parse(const char *key, struct edit_type type, const char *text,
		      size_t size, quire_value *value, void **storage);

/* Prints "u32 7", "string 'llama'", "[f32] of 3". */
void edit_value_print(const quire_value *value);

#endif
