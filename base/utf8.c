/*
 * utf8.c - well-formed sequences: RFC 3629, section 4.
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
