/*
 * text.c - escapes and sizes. Names in a model file may be hostile: an escape
 * sequence could rewrite the screen of a terminal, and a line feed could fake a
 * line of this program's output.
 */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "cli/ui/text.h"

/* Four characters, \xNN, for each of at most four bytes. */
#define ESCAPE_CAPACITY (4 * 4 + 1)

/* Writes the character at `bytes`, escaped if necessary; returns how many bytes
 * it has. */
static size_t escape_one(const unsigned char *bytes, size_t size,
			 char escaped[ESCAPE_CAPACITY])
{
	size_t length = quire_utf8_size(bytes, size);

	if (length > 0 && !quire_utf8_hides(bytes, length)) {
		memcpy(escaped, bytes, length);
		escaped[length] = '\0';
		return length;
	}
	if (length == 0)
		length = 1;
	for (size_t i = 0; i < length; i++)
		snprintf(escaped + 4 * i, 5, "\\x%02x", bytes[i]);
	return length;
}

void text_print_string(FILE *stream, quire_string string)
{
	const unsigned char *bytes = (const unsigned char *)string.data;
	char escaped[ESCAPE_CAPACITY];
	size_t at = 0;

	while (at < string.size) {
		at += escape_one(bytes + at, string.size - at, escaped);
		fputs(escaped, stream);
	}
}

void text_print_exact(FILE *stream, quire_string string)
{
	const unsigned char *bytes = (const unsigned char *)string.data;
	char escaped[ESCAPE_CAPACITY];
	size_t at = 0;

	while (at < string.size) {
		if (bytes[at] == '\\')
			putc('\\', stream);
		at += escape_one(bytes + at, string.size - at, escaped);
		fputs(escaped, stream);
	}
}

bool text_is_plain(quire_string string)
{
	const unsigned char *bytes = (const unsigned char *)string.data;
	char escaped[ESCAPE_CAPACITY];
	size_t at = 0;

	while (at < string.size) {
		at += escape_one(bytes + at, string.size - at, escaped);
		if (escaped[0] == '\\')
			return false;
	}
	return true;
}

void text_print(FILE *stream, const char *text)
{
	text_print_string(stream, text_of(text));
}

char *text_shorten(char *buffer, size_t capacity, quire_string string)
{
	char escaped[ESCAPE_CAPACITY];
	size_t at = 0;
	size_t used = 0;
	size_t cut = 0; /* where "..." still fits */
	size_t length;

	while (at < string.size) {
		at += escape_one((const unsigned char *)string.data + at,
				 string.size - at, escaped);
		length = strlen(escaped);
		if (used + length >= capacity) {
			memcpy(buffer + cut, "...", sizeof("..."));
			return buffer;
		}
		memcpy(buffer + used, escaped, length);
		used += length;
		if (used + sizeof("...") <= capacity)
			cut = used;
	}
	buffer[used] = '\0';
	return buffer;
}

quire_string text_of(const char *string)
{
	return (quire_string){ string, strlen(string) };
}

bool text_equal(quire_string string, const char *other)
{
	return string.size == strlen(other) &&
	       memcmp(string.data, other, string.size) == 0;
}

static char lower_case(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_equal_any_case(quire_string string, const char *other)
{
	if (string.size != strlen(other))
		return false;
	for (size_t i = 0; i < string.size; i++)
		if (lower_case(string.data[i]) != lower_case(other[i]))
			return false;
	return true;
}

size_t text_columns(const char *string)
{
	size_t columns = 0;

	for (; *string; string++)
		columns += ((unsigned char)*string & 0xC0) != 0x80;
	return columns;
}

char *text_human_size(char buffer[TEXT_SIZE_CAPACITY], uint64_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double value = (double)size / 1024;
	size_t i = 0;

	if (size < 1024) {
		snprintf(buffer, TEXT_SIZE_CAPACITY, "%" PRIu64 " B", size);
		return buffer;
	}
	/* 1023.95 would be printed as 1024.0. */
	for (; value >= 1023.95 && i + 1 < sizeof(units) / sizeof(*units); i++)
		value /= 1024;
	snprintf(buffer, TEXT_SIZE_CAPACITY, "%.1f %s", value, units[i]);
	return buffer;
}
