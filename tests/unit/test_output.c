/*
 * test_output.c - the output whose temporary file is its process's own: it
 * appears at commit, replaces a link's target, keeps permissions, and leaves
 * nothing behind. The locked one is tested by test_write*.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/output.h"
#include "base/path.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

struct place {
	char *folder, *file, *link;
};

static int set_up(void **state)
{
	struct place *place = malloc(sizeof(*place));

	place->folder = scratch_make();
	place->file = scratch_path(place->folder, "file");
	place->link = scratch_path(place->folder, "link");
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	free(place->file);
	free(place->link);
	scratch_remove(place->folder);
	free(place);
	return 0;
}

static size_t count_names(const char *path)
{
	struct folder *folder = quire_folder_open(path);
	size_t count = 0;

	assert_non_null(folder);
	while (quire_folder_next(folder))
		count++;
	quire_folder_close(folder);
	return count - 2; /* . and .. */
}

static void check_bytes(const char *path, const char *expected)
{
	const int file = quire_file_open(path);
	char bytes[16];
	size_t got;

	assert_true(file >= 0);
	assert_true(quire_file_read(file, 0, bytes, sizeof(bytes), &got));
	assert_int_equal(got, strlen(expected));
	assert_memory_equal(bytes, expected, got);
	quire_file_close(file);
}

static void write_output(const char *path, const char *bytes, bool commits)
{
	struct quire_output output;

	assert_true(quire_output_open_unlocked(&output, path));
	assert_int_equal(
	    quire_output_write(&output, 0, bytes, strlen(bytes), NULL),
	    QUIRE_OK);
	if (commits)
		assert_int_equal(quire_output_commit(&output, NULL), QUIRE_OK);
	quire_output_discard(&output);
}

static void test_appears(void **state)
{
	const struct place *place = *state;

	write_output(place->file, "dropped", false);
	assert_int_equal(count_names(place->folder), 0);
	write_output(place->file, "first", true);
	check_bytes(place->file, "first");
	write_output(place->file, "dropped", false);
	check_bytes(place->file, "first");
	write_output(place->file, "second", true);
	check_bytes(place->file, "second");
	assert_int_equal(count_names(place->folder), 1);
}

static void test_link_and_mode(void **state)
{
	const struct place *place = *state;
	struct file_facts facts;

	write_output(place->file, "first", true);
	assert_int_equal(chmod(place->file, 0640), 0);
	assert_int_equal(symlink("file", place->link), 0);
	write_output(place->link, "second", true);
	check_bytes(place->file, "second");
	assert_true(quire_link_facts(place->link, &facts));
	assert_int_equal(facts.kind, FILE_OTHER);
	assert_true(quire_path_same(place->file, place->link));
	assert_true(quire_path_facts(place->file, &facts));
	assert_int_equal(facts.mode, 0640);
	assert_int_equal(count_names(place->folder), 2);
}

/* A dead process with our number left its temporary files. */
static void test_leftovers(void **state)
{
	const struct place *place = *state;

	for (int i = 0; i < 3; i++) {
		char name[64];
		char *path;

		snprintf(name, sizeof(name), ".quire-%ld-%d.tmp",
			 (long)getpid(), i);
		path = scratch_path(place->folder, name);
		scratch_write(path, "old", 3);
		free(path);
	}
	write_output(place->file, "new", true);
	check_bytes(place->file, "new");
	assert_int_equal(count_names(place->folder), 4);
}

static void test_no_folder(void **state)
{
	const struct place *place = *state;
	char *path = scratch_path(place->folder, "absent/file");
	struct quire_output output;

	errno = 0;
	assert_false(quire_output_open_unlocked(&output, path));
	assert_int_equal(errno, ENOENT);
	free(path);
}

static void test_paths(void **state)
{
	char *folder;

	(void)state;
	assert_string_equal(quire_path_name("a/b/c"), "c");
	assert_string_equal(quire_path_name("c"), "c");
	assert_string_equal(quire_path_name("a/"), "");
	folder = quire_path_folder("a/b/c");
	assert_string_equal(folder, "a/b/");
	free(folder);
	folder = quire_path_folder("/c");
	assert_string_equal(folder, "/");
	free(folder);
	folder = quire_path_folder("c");
	assert_string_equal(folder, ".");
	free(folder);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_appears),	      CASE(test_link_and_mode),
		CASE(test_leftovers),	      CASE(test_no_folder),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
