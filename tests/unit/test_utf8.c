/*
 * test_utf8.c - every character is well-formed, and no surrogate, no longer
 * form of a character, no cut one and no stray byte is.
 */
#include <string.h>

#include "base/utf8.h"
#include "tests/support/check.h"

#define LAST_CHARACTER 0x10FFFF

/* Writes a code in a form of `length` bytes, whether or not that is its own. */
static void encode(uint32_t code, size_t length, unsigned char bytes[4])
{
	static const unsigned char first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

	for (size_t i = length; i-- > 1; code >>= 6)
		bytes[i] = (unsigned char)(0x80 | (code & 0x3F));
	bytes[0] = (unsigned char)(first[length] | code);
}

static size_t length_of(uint32_t code)
{
	if (code < 0x80)
		return 1;
	if (code < 0x800)
		return 2;
	return code < 0x10000 ? 3 : 4;
}

static bool is_surrogate(uint32_t code)
{
	return code >= 0xD800 && code <= 0xDFFF;
}

static void test_characters(void **state)
{
	unsigned char bytes[4];

	(void)state;
	for (uint32_t code = 0; code <= LAST_CHARACTER; code++) {
		const size_t length = length_of(code);
		const size_t expected = is_surrogate(code) ? 0 : length;

		encode(code, length, bytes);
		if (quire_utf8_size(bytes, length) != expected)
			fail_msg("U+%04X", (unsigned)code);
		for (size_t cut = 1; cut < length; cut++)
			assert_int_equal(quire_utf8_size(bytes, cut), 0);
		for (size_t longer = length + 1; longer <= 4; longer++) {
			encode(code, longer, bytes);
			assert_int_equal(quire_utf8_size(bytes, longer), 0);
		}
	}
	for (uint32_t code = LAST_CHARACTER + 1; code < 0x200000; code++) {
		encode(code, 4, bytes);
		assert_int_equal(quire_utf8_size(bytes, 4), 0);
	}
}

/* Bytes that begin no character, and ones that do not continue it. */
static void test_stray_bytes(void **state)
{
	unsigned char bytes[4] = { 0, 0x80, 0x80, 0x80 };

	(void)state;
	for (unsigned first = 0x80; first < 0x100; first++) {
		bytes[0] = (unsigned char)first;
		if (first < 0xC2 || first > 0xF4)
			assert_int_equal(quire_utf8_size(bytes, 4), 0);
	}
	for (unsigned second = 0; second < 0x100; second++) {
		const unsigned char two[] = { 0xC3, (unsigned char)second };

		assert_int_equal(quire_utf8_size(two, 2),
				 second >= 0x80 && second < 0xC0 ? 2 : 0);
	}
}

/* Text is looked at 8 bytes at a time where it is ASCII. */
static void test_text(void **state)
{
	static const char two[] = "\xC3\xA9";

	(void)state;
	assert_true(quire_utf8_valid("", 0));
	for (size_t size = 1; size < 40; size++)
		for (size_t at = 0; at < size; at++) {
			char text[40];

			memset(text, 'a', sizeof(text));
			assert_true(quire_utf8_valid(text, size));
			text[at] = two[1];
			assert_false(quire_utf8_valid(text, size));
			text[at] = two[0];
			assert_false(quire_utf8_valid(text, size));
			if (at + 1 == size)
				continue;
			text[at + 1] = two[1];
			assert_true(quire_utf8_valid(text, size));
		}
}

static void test_hidden(void **state)
{
	static const char *const seen[] = { " ",      "~",	   "\u00A0",
					    "\u00E9", "\u2010",	   "\u2030",
					    "\u4E2D", "\U0001F600" };
	static const char *const hidden[] = {
		"\x01",	  "\x1B",   "\x7F",   "\xC2\x80",  "\xC2\x9B",
		"\u00AD", "\u061C", "\u115F", "\u180E",	   "\u200B",
		"\u200F", "\u2028", "\u202E", "\u2060",	   "\u2066",
		"\u3164", "\uFEFF", "\uFFA0", "\U000E0041"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(seen) / sizeof(*seen); i++)
		assert_false(quire_utf8_hides(seen[i], strlen(seen[i])));
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		assert_true(quire_utf8_hides(hidden[i], strlen(hidden[i])));
	assert_true(quire_utf8_hides("", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_stray_bytes),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
