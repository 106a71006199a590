/*
 * text.h - makes text from a file or a command line safe to print: escapes it,
 * shortens it, and prints sizes.
 */
#ifndef QUIRE_CLI_UI_TEXT_H
#define QUIRE_CLI_UI_TEXT_H

#include <stdio.h>

#include "quire.h"

/*
 * Prints text so that it cannot control a terminal: the bytes of control
 * characters, of characters that change the direction of writing, and bytes
 * that are not UTF-8 are printed as \xNN.
 */
void text_print(FILE *stream, const char *text);
void text_print_string(FILE *stream, quire_string string);

/* The same with a backslash as two, so that no two strings are printed alike.
 * A plain one is printed as it is. */
void text_print_exact(FILE *stream, quire_string string);
bool text_is_plain(quire_string string);

/* Copies the string, escaped as above, in at most `capacity` - 1 bytes and a
 * NUL; a string that is cut ends with "...". Returns `buffer`. `capacity` must
 * be at least 4. */
char *text_shorten(char *buffer, size_t capacity, quire_string string);

/* A NUL-terminated string as a quire_string. */
quire_string text_of(const char *string);

bool text_equal(quire_string string, const char *other);
/* The same, but upper and lower case letters of ASCII are equal. */
bool text_equal_any_case(quire_string string, const char *other);

/* The width of a valid UTF-8 string: one column for each character. */
size_t text_columns(const char *string);

/* Writes for example "1.5 MiB". Returns `buffer`. */
#define TEXT_SIZE_CAPACITY 32
char *text_human_size(char buffer[TEXT_SIZE_CAPACITY], uint64_t size);

#endif
