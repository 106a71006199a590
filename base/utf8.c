/*
 * utf8.c - well-formed sequences: RFC 3629, section 4; and what is not printed.
 */
#include "base/utf8.h"

#include <stdint.h>

#include "base/bytes.h"

size_t quire_utf8_size(const void *bytes, size_t size)
{
	const unsigned char *b = bytes;
	const size_t length = b[0] < 0x80	      ? 1
			      : (b[0] & 0xE0) == 0xC0 ? 2
			      : (b[0] & 0xF0) == 0xE0 ? 3
			      : (b[0] & 0xF8) == 0xF0 ? 4
						      : 0;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;

	if (length == 0 || length > size)
		return 0;
	if (length == 1)
		return 1;
	code = b[0] & (0xFFu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((b[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (b[i] & 0x3Fu);
	}
	if (code < least[length] || code > 0x10FFFF ||
	    (code >= 0xD800 && code <= 0xDFFF))
		return 0;
	return length;
}

/* The upper bits of 8 bytes: in ASCII, as most text is, none is set. */
#define NOT_ASCII UINT64_C(0x8080808080808080)

bool quire_utf8_valid(const char *text, size_t size)
{
	size_t at = 0;

	while (at < size) {
		size_t length = 8;

		if (size - at < 8 || (load_u64(text + at) & NOT_ASCII) != 0)
			length = quire_utf8_size(text + at, size - at);
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

/* Unicode 15: categories Cc, Cf, Zl and Zp, and what
 * Default_Ignorable_Code_Point adds to them. In order. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x0, 0x1F },	      { 0x7F, 0x9F },	    { 0xAD, 0xAD },
	{ 0x34F, 0x34F },     { 0x600, 0x605 },	    { 0x61C, 0x61C },
	{ 0x6DD, 0x6DD },     { 0x70F, 0x70F },	    { 0x890, 0x891 },
	{ 0x8E2, 0x8E2 },     { 0x115F, 0x1160 },   { 0x17B4, 0x17B5 },
	{ 0x180B, 0x180F },   { 0x200B, 0x200F },   { 0x2028, 0x202E },
	{ 0x2060, 0x206F },   { 0x3164, 0x3164 },   { 0xFE00, 0xFE0F },
	{ 0xFEFF, 0xFEFF },   { 0xFFA0, 0xFFA0 },   { 0xFFF0, 0xFFFB },
	{ 0x110BD, 0x110BD }, { 0x110CD, 0x110CD }, { 0x13430, 0x1343F },
	{ 0x1BCA0, 0x1BCA3 }, { 0x1D173, 0x1D17A }, { 0xE0000, 0xE0FFF },
};

bool quire_utf8_hides(const void *bytes, size_t length)
{
	const unsigned char *b = bytes;
	uint32_t code = length == 1 ? b[0] : b[0] & (0xFFu >> (length + 1));

	for (size_t i = 1; i < length; i++)
		code = code << 6 | (b[i] & 0x3Fu);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (code <= hidden[i].last)
			return code >= hidden[i].first;
	return false;
}
