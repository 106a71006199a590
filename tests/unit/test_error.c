/*
 * test_error.c - what an error says: the reason in whole, however long the path
 * is, and EXISTS from each call that puts a file in its place.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/output.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define LONG_PATH_SIZE 4096

/* LONG_PATH_SIZE bytes: folders of two-byte characters, then "/end.gguf". */
static char *long_path(void)
{
	static const char end[] = "/end.gguf";
	const size_t room = LONG_PATH_SIZE - strlen(end);
	char *path = malloc(LONG_PATH_SIZE + 1);

	assert_non_null(path);
	for (size_t i = 0; i < room; i++)
		path[i] = i % 2 ? '\xa4' : '\xc3';
	memcpy(path + room, end, sizeof(end));
	return path;
}

/* The end of the path, from a character's beginning. */
static void check_shortened(const quire_error *error, const char *path)
{
	const size_t size = strlen(error->path);
	const char *end = path + strlen(path) - (size - 3);

	assert_in_range(size, QUIRE_ERROR_PATH_SIZE - 4,
			QUIRE_ERROR_PATH_SIZE - 1);
	assert_memory_equal(error->path, "...", 3);
	assert_string_equal(error->path + 3, end);
	assert_int_not_equal((unsigned char)error->path[3] & 0xC0, 0x80);
}

static void test_long_path(void **state)
{
	char *path = long_path();
	quire_error error;

	(void)state;
	assert_int_equal(quire_fail_file(&error, QUIRE_ERROR_LAYOUT, path, 7,
					 "tensor '%s' is odd", "w"),
			 QUIRE_ERROR_LAYOUT);
	check_shortened(&error, path);
	assert_int_equal(error.offset, 7);
	assert_string_equal(error.message, "tensor 'w' is odd");
	assert_true(quire_error_is_about(&error, path));
	path[LONG_PATH_SIZE - 1] = 'x';
	assert_false(quire_error_is_about(&error, path));
	free(path);
}

/* The reason comes from the system; no such path can be. */
static void test_long_path_from_calls(void **state)
{
	char *path = long_path();
	struct quire_output output;
	quire_writer *writer = NULL;
	quire_model *model = NULL;
	quire_error error;

	(void)state;
	assert_int_equal(quire_model_open(path, NULL, &model, &error),
			 QUIRE_ERROR_IO);
	check_shortened(&error, path);
	assert_non_null(strstr(error.message, strerror(ENAMETOOLONG)));
	assert_int_equal(quire_writer_create(path, NULL, &writer, &error),
			 QUIRE_ERROR_IO);
	check_shortened(&error, path);
	assert_non_null(strstr(error.message, strerror(ENAMETOOLONG)));
	assert_int_equal(quire_output_open(&output, path, true, &error),
			 QUIRE_ERROR_IO);
	check_shortened(&error, path);
	assert_non_null(strstr(error.message, strerror(ENAMETOOLONG)));
	free(path);
}

static void test_names(void **state)
{
	quire_error error;

	(void)state;
	quire_fail(&error, QUIRE_ERROR_IO, QUIRE_NO_OFFSET, "odd");
	assert_string_equal(error.path, "");
	assert_false(quire_error_is_about(&error, ""));
	assert_false(quire_error_is_about(&error, NULL));
	quire_error_name_file(&error, NULL);
	assert_string_equal(error.path, "");
	quire_error_name_file(&error, "a\n\x1b.gguf");
	assert_string_equal(error.path, "a??.gguf");
	assert_true(quire_error_is_about(&error, "a\n\x1b.gguf"));
	quire_error_name_file(&error, "outer.gguf");
	assert_string_equal(error.path, "a??.gguf");
	assert_string_equal(error.message, "odd");
	quire_error_name_file(NULL, "a");
	assert_string_equal(quire_status_name(QUIRE_ERROR_EXISTS), "exists");
}

static void check_exists(quire_status status, const quire_error *error,
			 const char *path)
{
	assert_int_equal(status, QUIRE_ERROR_EXISTS);
	assert_int_equal(error->status, QUIRE_ERROR_EXISTS);
	assert_string_equal(error->path, path);
	assert_string_equal(error->message, "the file exists");
	assert_int_equal(error->offset, QUIRE_NO_OFFSET);
}

static void test_output_exists(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "a.gguf");
	struct quire_output output;
	quire_error error;

	(void)state;
	assert_int_equal(quire_output_open(&output, path, false, NULL),
			 QUIRE_OK);
	scratch_write(path, "other", 5);
	check_exists(quire_output_commit(&output, &error), &error, path);
	quire_output_discard(&output);
	check_exists(quire_output_open(&output, path, false, &error), &error,
		     path);
	free(path);
	scratch_remove(folder);
}

static void test_set_exists(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "set.gguf");
	struct quire_output parts[2];
	struct quire_output *outputs[] = { &parts[0], &parts[1] };
	char *second = NULL;
	quire_error error;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		free(second);
		second = quire_output_set_path(path, i, 2);
		assert_int_equal(
		    quire_output_open(outputs[i], second, false, NULL),
		    QUIRE_OK);
	}
	scratch_write(second, "other", 5);
	check_exists(quire_output_commit_set(outputs, 2, &error), &error,
		     second);
	for (size_t i = 0; i < 2; i++)
		quire_output_discard(outputs[i]);
	assert_int_equal(scratch_count(folder), 1);
	free(second);
	free(path);
	scratch_remove(folder);
}

/* What would control a terminal, or what nobody sees, is a '?' in both texts.
 */
static void test_hidden_characters(void **state)
{
	quire_error error;

	(void)state;
	quire_fail_file(&error, QUIRE_ERROR_LAYOUT, "a\u202Eb\xC2\x9B.gguf", 1,
			"tensor '%s'", "w\u200B\x1B[m\u00E9\x9B\xFF");
	assert_string_equal(error.path, "a?b?.gguf");
	assert_string_equal(error.message, "tensor 'w??[m\u00E9?\xFF'");
	assert_true(quire_error_is_about(&error, "a\u202Eb\xC2\x9B.gguf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_long_path_from_calls),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hidden_characters),
		cmocka_unit_test(test_output_exists),
		cmocka_unit_test(test_set_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
