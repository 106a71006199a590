/*
 * text.h - text that came from a file or a command line, made fit to show:
 * escapes and human sizes. Knows no terminal and no JSON.
 */
#ifndef QUIRE_CLI_UI_TEXT_H
#define QUIRE_CLI_UI_TEXT_H

#include <stdio.h>

#include "quire.h"

/*
 * Prints the bytes so that no terminal can be driven by them: control
 * characters, characters that turn the direction of writing, and bytes that
 * are not UTF-8 come out as \xNN, byte by byte; all else as it is.
 */
void text_print(FILE *stream, const char *text);
void text_print_string(FILE *stream, quire_string string);

/* Copies at most `capacity` - 1 bytes of the string, escaped as above, and
 * ends them with NUL; what is cut off ends in "...". Returns `buffer`.
 * `capacity` must be at least 4. */
char *text_shorten(char *buffer, size_t capacity, quire_string string);

/* A NUL-terminated string as a quire_string. */
quire_string text_of(const char *string);

bool text_equal(quire_string string, const char *other);

/* The columns that a valid UTF-8 string takes, at one a character. */
size_t text_columns(const char *string);

/* "1.5 MiB" and the like. Returns `buffer`. */
#define TEXT_SIZE_CAPACITY 32
char *text_human_size(char buffer[TEXT_SIZE_CAPACITY], uint64_t size);

#endif
