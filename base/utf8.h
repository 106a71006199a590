/*
 * utf8.h - whether bytes are UTF-8, and whether a reader would see them.
 */
#ifndef QUIRE_BASE_UTF8_H
#define QUIRE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes of the well-formed character (RFC 3629) at the start of `bytes`;
 * 0: there is none. `size` is not 0. */
size_t quire_utf8_size(const void *bytes, size_t size);

/* Whether all of the bytes are such characters. */
bool quire_utf8_valid(const char *text, size_t size);

/* Whether that character, of `length` bytes, must not be printed as it is: a
 * control character (C0, DEL, C1), one that ends a line or turns the direction
 * of writing, or one that nobody sees. */
bool quire_utf8_hides(const void *bytes, size_t length);

#endif
