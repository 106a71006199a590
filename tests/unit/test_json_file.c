/*
 * test_json_file.c - JSON that is refused, with the place; the values of what
 * is accepted; and the errors of values that are missing or of another type.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/llama/json_file.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

static quire_status parse(const char *text, struct json_file **file,
			  quire_error *error)
{
	return quire_json_parse("a.json", text, strlen(text), file, error);
}

/* Refused, with this message, and *file untouched. */
static void check_refused(const char *text, size_t size, const char *message)
{
	struct json_file *file = NULL;
	quire_error error;

	assert_int_equal(quire_json_parse("a.json", text, size, &file, &error),
			 QUIRE_ERROR_LAYOUT);
	assert_null(file);
	assert_string_equal(error.path, "a.json");
	if (!strstr(error.message, message))
		fail_msg("\"%.60s\": \"%s\" has no \"%s\"", text, error.message,
			 message);
}

static const struct {
	const char *text, *message;
} refused[] = {
	{ "", "line 1, column 1: " },
	{ "{\n \"a\": 1,\n}", "line 3, column 2: string or '}' expected" },
	{ "{\"a\": 1, \"a\": 2}", "duplicate object key" },
	{ "{\"\xc3\xa4\": tru}", "line 1, column 10: invalid token" },
	{ "{\"a\": 1} x", "end of file expected" },
	{ "\"\\u0000\"", "\\u0000 is not allowed" },
	{ "{\"a\\u0000\": 1}", "NUL byte in object key" },
	{ "\"\xff\"", "unable to decode byte 0xff" },
	{ "\"\xed\xa0\x80\"", "unable to decode byte" },
	{ "\"\\ud800\"", "invalid Unicode" },
	{ "\"a\nb\"", "unexpected newline" },
	{ "[1e999]", "real number overflow" },
	{ "[01]", "column 3: invalid token" },
	{ "[NaN]", "invalid token" },
	{ "'a'", "invalid token" },
	{ "[1", "']' expected near end of file" },
	{ "\"abc", "premature end of input" },
	{ "\"abc\\", "invalid escape" },
	{ "// comment\n1", "invalid token" },
	{ "\xef\xbb\xbf{}", "invalid token" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		check_refused(refused[i].text, strlen(refused[i].text),
			      refused[i].message);
	check_refused("[1\0]", 4, "line 1, column 3: a NUL");
	check_refused("1\0", 2, "a NUL");
}

/* `count` times a text, between two others; to be freed. */
static char *repeat(const char *begin, const char *text, size_t count,
		    const char *end, size_t *size)
{
	const size_t length = strlen(text);
	char *made = malloc(strlen(begin) + length * count + strlen(end) + 1);
	size_t at = strlen(begin);

	assert_non_null(made);
	memcpy(made, begin, at);
	for (size_t i = 0; i < count; i++, at += length)
		memcpy(made + at, text, length);
	strcpy(made + at, end);
	*size = at + strlen(end);
	return made;
}

static void test_limits(void **state)
{
	struct json_file *file = NULL;
	size_t size;
	char *text;

	(void)state;
	text = repeat("", "[", 100000, "", &size);
	check_refused(text, size, "column 65: nested too deeply");
	free(text);
	text = repeat("", "[", QUIRE_JSON_MAX_DEPTH, "", &size);
	check_refused(text, size, "']' expected near end of file");
	free(text);
	text = repeat("[", "[],", QUIRE_JSON_MAX_LISTS, "[]]", &size);
	check_refused(text, size, "too many values up to here");
	free(text);
	text = repeat("[", "1,", QUIRE_JSON_MAX_VALUES, "1]", &size);
	check_refused(text, size, "too many values up to here");
	free(text);
	/* Brackets in strings are none, and quotes behind a backslash. */
	text = repeat("\"\\\"", "[{,", 2000, "\"", &size);
	assert_int_equal(quire_json_parse("a.json", text, size, &file, NULL),
			 QUIRE_OK);
	quire_json_free(file);
	free(text);
	text = calloc(1, QUIRE_JSON_MAX_SIZE + 1);
	assert_non_null(text);
	check_refused(text, QUIRE_JSON_MAX_SIZE + 1, "larger than 64 MiB");
	free(text);
}

static void test_values(void **state)
{
	struct json_value root, list, item;
	struct json_file *file;
	quire_string string;
	uint32_t number;
	double real;
	bool truth;
	size_t count;

	(void)state;
	assert_int_equal(parse("{\"s\": \"\\u00e4\\n\", \"n\": 4294967295, "
			       "\"t\": true, \"f\": false, \"r\": 1e-5, "
			       "\"big\": 1000000000000000019884624838656, "
			       "\"null\": null, \"l\": [1, \"x\"]}",
			       &file, NULL),
			 QUIRE_OK);
	root = quire_json_root(file);
	assert_string_equal(quire_json_path(file), "a.json");
	assert_int_equal(quire_json_get_string(&root, "s", &string, NULL),
			 QUIRE_OK);
	assert_int_equal(string.size, 3);
	assert_string_equal(string.data, "\xc3\xa4\n");
	assert_int_equal(quire_json_get_u32(&root, "n", &number, NULL),
			 QUIRE_OK);
	assert_int_equal(number, UINT32_MAX);
	assert_int_equal(quire_json_get_bool(&root, "t", &truth, NULL),
			 QUIRE_OK);
	assert_true(truth);
	assert_int_equal(quire_json_get_bool(&root, "f", &truth, NULL),
			 QUIRE_OK);
	assert_false(truth);
	assert_int_equal(quire_json_get_f64(&root, "r", &real, NULL), QUIRE_OK);
	assert_true(real == 1e-5);
	assert_int_equal(quire_json_get_f64(&root, "n", &real, NULL), QUIRE_OK);
	assert_true(real == 4294967295.0);
	assert_int_equal(quire_json_get_f64(&root, "big", &real, NULL),
			 QUIRE_OK);
	assert_true(real == 1e30);
	assert_false(quire_json_find(&root, "null", NULL));
	assert_false(quire_json_find(&root, "none", NULL));
	assert_true(quire_json_find(&root, "l", &list));
	assert_int_equal(quire_json_count(&list, &count, NULL), QUIRE_OK);
	assert_int_equal(count, 2);
	item = quire_json_item(&list, 1);
	assert_int_equal(quire_json_string(&item, &string, NULL), QUIRE_OK);
	assert_string_equal(string.data, "x");
	assert_false(quire_json_find(&list, "x", NULL));
	quire_json_free(file);
}

static void check_error(quire_status status, quire_status expected,
			const quire_error *error, const char *message)
{
	assert_int_equal(status, expected);
	assert_string_equal(error->path, "a.json");
	assert_string_equal(error->message, message);
}

static void test_errors(void **state)
{
	struct json_value root, a, list, item;
	struct json_file *file;
	quire_string string = { NULL, 0 };
	uint32_t number = 7;
	double real = 7;
	bool truth;
	size_t count;
	quire_error error;

	(void)state;
	assert_int_equal(
	    parse("{\"a\": {\"b\": [0, {\"c\": -1}], \"d\": null}}", &file,
		  NULL),
	    QUIRE_OK);
	root = quire_json_root(file);
	check_error(quire_json_u32(&root, &number, &error), QUIRE_ERROR_LAYOUT,
		    &error, "the whole is an object, not a whole number");
	check_error(quire_json_get_u32(&root, "x", &number, &error),
		    QUIRE_ERROR_NOT_FOUND, &error, "'x' is missing");
	assert_true(quire_json_find(&root, "a", &a));
	check_error(quire_json_get_string(&a, "d", &string, &error),
		    QUIRE_ERROR_NOT_FOUND, &error, "'a.d' is missing");
	check_error(quire_json_count(&a, &count, &error), QUIRE_ERROR_LAYOUT,
		    &error, "'a' is an object, not a list");
	assert_true(quire_json_find(&a, "b", &list));
	check_error(quire_json_get(&list, "x", &item, &error),
		    QUIRE_ERROR_LAYOUT, &error,
		    "'a.b' is a list, not an object");
	check_error(quire_json_bool(&list, &truth, &error), QUIRE_ERROR_LAYOUT,
		    &error, "'a.b' is a list, not true or false");
	item = quire_json_item(&list, 0);
	check_error(quire_json_string(&item, &string, &error),
		    QUIRE_ERROR_LAYOUT, &error,
		    "'a.b[0]' is a whole number, not a string");
	item = quire_json_item(&list, 1);
	check_error(quire_json_get_u32(&item, "c", &number, &error),
		    QUIRE_ERROR_LAYOUT, &error,
		    "'a.b[1].c' is -1, not from 0 to 4294967295");
	check_error(quire_json_f64(&item, &real, &error), QUIRE_ERROR_LAYOUT,
		    &error, "'a.b[1]' is an object, not a number");
	assert_int_equal(number, 7);
	assert_true(real == 7);
	assert_null(string.data);
	quire_json_free(file);
}

static void test_files(void **state)
{
	char *folder = scratch_make(), *path = scratch_path(folder, "b.json");
	struct json_file *file = NULL;
	struct json_value root;
	quire_error error;
	char *text;
	size_t size;

	(void)state;
	assert_int_equal(quire_json_read(folder, "b.json", &file, &error),
			 QUIRE_ERROR_NOT_FOUND);
	assert_string_equal(error.path, path);
	scratch_write_in(folder, "b.json", "[1]\n");
	assert_int_equal(quire_json_read(folder, "b.json", &file, &error),
			 QUIRE_OK);
	root = quire_json_root(file);
	assert_int_equal(quire_json_count(&root, &size, NULL), QUIRE_OK);
	assert_int_equal(size, 1);
	assert_string_equal(quire_json_path(file), path);
	quire_json_free(file);
	assert_int_equal(
	    quire_json_read_text(folder, "b.json", &text, &size, &error),
	    QUIRE_OK);
	assert_int_equal(size, 4);
	assert_string_equal(text, "[1]\n");
	free(text);
	assert_int_equal(quire_json_read(folder, ".", &file, &error),
			 QUIRE_ERROR_ARGUMENT);
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_values),	cmocka_unit_test(test_errors),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
