/*
 * test_output.c - an output appears at commit, keeps permissions, leaves
 * nothing behind, and lets nobody else have a hand in it.
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

/* A user and a group that the tests are not of. */
#define OTHER 54321

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

static struct quire_output open_output(const char *path, bool overwrite)
{
	struct quire_output output;
	quire_error error;

	if (quire_output_open(&output, path, overwrite, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
	return output;
}

static void write_output(const char *path, const char *bytes, bool commits)
{
	struct quire_output output = open_output(path, true);

	assert_int_equal(
	    quire_output_write(&output, 0, bytes, strlen(bytes), NULL),
	    QUIRE_OK);
	if (commits)
		assert_int_equal(quire_output_commit(&output, NULL), QUIRE_OK);
	quire_output_discard(&output);
}

static uint32_t mode_of(const char *path)
{
	struct file_facts facts;

	assert_true(quire_path_facts(path, &facts));
	return facts.mode;
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

static void test_exists(void **state)
{
	const struct place *place = *state;
	struct quire_output output;
	quire_error error;

	assert_int_equal(symlink("nowhere", place->link), 0);
	assert_int_equal(quire_output_open(&output, place->link, false, &error),
			 QUIRE_ERROR_EXISTS);
	output = open_output(place->file, false);
	scratch_write(place->file, "theirs", 6);
	assert_int_equal(quire_output_commit(&output, &error),
			 QUIRE_ERROR_EXISTS);
	quire_output_discard(&output);
	check_bytes(place->file, "theirs");
	assert_int_equal(count_names(place->folder), 2);
}

/* A link is replaced, and not what it leads to. */
static void test_link(void **state)
{
	const struct place *place = *state;
	struct file_facts facts;

	write_output(place->file, "first", true);
	assert_int_equal(symlink("file", place->link), 0);
	write_output(place->link, "second", true);
	check_bytes(place->file, "first");
	check_bytes(place->link, "second");
	assert_true(quire_link_facts(place->link, &facts));
	assert_int_equal(facts.kind, FILE_REGULAR);
}

/* Nobody else may open it until it is complete. A new file gets what the umask
 * leaves, one that replaces another keeps that one's permissions, and neither
 * has set-id bits. */
static void test_mode(void **state)
{
	static const struct {
		mode_t old, kept;
	} replaced[] = {
		{ 0640, 0640 },	 { 0444, 0444 },  { 0600, 0600 },
		{ 04755, 0755 }, { 02755, 0755 }, { 06777, 0777 },
		{ 01644, 0644 },
	};
	const struct place *place = *state;
	const mode_t mask = umask(027);
	struct quire_output output = open_output(place->file, true);

	assert_int_equal(mode_of(output.temporary), 0600);
	assert_int_equal(quire_output_commit(&output, NULL), QUIRE_OK);
	quire_output_discard(&output);
	assert_int_equal(mode_of(place->file), 0640);
	umask(0);
	for (size_t i = 0; i < sizeof(replaced) / sizeof(*replaced); i++) {
		assert_int_equal(chmod(place->file, replaced[i].old), 0);
		output = open_output(place->file, true);
		assert_int_equal(mode_of(output.temporary), 0600);
		assert_int_equal(quire_output_commit(&output, NULL), QUIRE_OK);
		quire_output_discard(&output);
		assert_int_equal(mode_of(place->file), replaced[i].kept);
	}
	umask(mask);
}

/* The old file is another user's: its group stays, its set-id bits do not. */
static void test_other_owner(void **state)
{
	const struct place *place = *state;
	struct file_facts facts;

	scratch_write(place->file, "old", 3);
	if (chown(place->file, OTHER, OTHER) != 0) {
		print_message("skipped: only root gives files away\n");
		skip();
	}
	assert_int_equal(chmod(place->file, 06750), 0);
	write_output(place->file, "new", true);
	check_bytes(place->file, "new");
	assert_true(quire_path_facts(place->file, &facts));
	assert_true(quire_file_is_own(&facts));
	assert_int_equal(facts.group, OTHER);
	assert_int_equal(facts.mode, 0750);
}

/* A killed process left it: it is replaced, and never written to, since it may
 * be a second name of another file, or be open elsewhere. */
static void test_leftover(void **state)
{
	const struct place *place = *state;
	const mode_t mask = umask(0);
	char *victim = scratch_path(place->folder, "victim");
	char *part = scratch_path(place->folder, "file.quire-part");
	int held;

	scratch_write(part, "left by a killed process", 24);
	held = quire_file_open_to_lock(part);
	assert_true(held >= 0);
	write_output(place->file, "first", true);
	assert_true(quire_file_write(held, 0, "XXXXX", 5));
	quire_file_close(held);
	check_bytes(place->file, "first");

	scratch_write(victim, "victim", 6);
	assert_int_equal(link(victim, part), 0);
	write_output(place->file, "second", true);
	check_bytes(place->file, "second");
	check_bytes(victim, "victim");

	scratch_write(part, "left", 4);
	assert_int_equal(chmod(part, 0444), 0);
	write_output(place->file, "third", true);
	check_bytes(place->file, "third");
	assert_int_equal(count_names(place->folder), 2);
	umask(mask);
	free(victim);
	free(part);
}

static void refuse(const struct place *place, const char *why)
{
	const size_t names = count_names(place->folder);
	struct quire_output output;
	quire_error error;

	assert_int_equal(quire_output_open(&output, place->file, true, &error),
			 QUIRE_ERROR_IO);
	if (!strstr(error.message, why) ||
	    !strstr(error.message, "'file.quire-part'"))
		fail_msg("%s", error.message);
	assert_string_equal(error.path, place->file);
	assert_int_equal(count_names(place->folder), names);
}

/* What is there cannot be what a process of ours left. */
static void test_not_ours(void **state)
{
	const struct place *place = *state;
	char *part = scratch_path(place->folder, "file.quire-part");
	char *victim = scratch_path(place->folder, "victim");

	scratch_write(victim, "victim", 6);
	assert_int_equal(symlink("victim", part), 0);
	refuse(place, "is not a regular file");
	check_bytes(victim, "victim");
	assert_int_equal(unlink(part), 0);
	assert_int_equal(mkdir(part, 0700), 0);
	refuse(place, "is not a regular file");
	assert_int_equal(rmdir(part), 0);
	assert_int_equal(mkfifo(part, 0600), 0);
	refuse(place, "is not a regular file");
	assert_int_equal(unlink(part), 0);
	scratch_write(part, "theirs", 6);
	if (chown(part, OTHER, OTHER) == 0) {
		refuse(place, "belongs to another user");
		check_bytes(part, "theirs");
	} else {
		print_message("skipped in part: only root gives files away\n");
	}
	free(part);
	free(victim);
}

static void test_busy(void **state)
{
	const struct place *place = *state;
	struct quire_output first = open_output(place->file, true);
	struct quire_output second;
	quire_error error;

	assert_int_equal(quire_output_open(&second, place->file, true, &error),
			 QUIRE_ERROR_IO);
	assert_non_null(strstr(error.message, "another process"));
	assert_int_equal(quire_output_commit(&first, NULL), QUIRE_OK);
	quire_output_discard(&first);
	write_output(place->file, "second", true);
	assert_int_equal(count_names(place->folder), 1);
}

/* Somebody puts another file in place of the temporary one, which then is not
 * renamed, nor removed. */
static void test_exchanged(void **state)
{
	const struct place *place = *state;
	char *part = scratch_path(place->folder, "file.quire-part");
	struct quire_output output;
	quire_error error;

	for (int there = 0; there < 2; there++) {
		output = open_output(place->file, true);
		assert_int_equal(unlink(part), 0);
		if (there)
			scratch_write(part, "theirs", 6);
		assert_int_equal(quire_output_commit(&output, &error),
				 QUIRE_ERROR_IO);
		assert_non_null(strstr(error.message, "removed or replaced"));
		quire_output_discard(&output);
		assert_int_equal(count_names(place->folder), there);
	}
	check_bytes(part, "theirs");
	free(part);
}

static void test_destroys(void **state)
{
	const struct place *place = *state;
	char *part = scratch_path(place->folder, "file.quire-part");
	char *twisted = scratch_path(place->folder, "../");
	char *other = scratch_path(place->folder, "other");
	char *again = malloc(strlen(twisted) + strlen(place->file) + 1);

	/* FOLDER/../FOLDER's name/file */
	strcpy(again, twisted);
	strcat(again, quire_path_name(place->folder));
	strcat(again, "/file");
	/* Neither is there yet. */
	assert_true(quire_output_destroys(place->file, again));
	assert_true(quire_output_destroys(place->file, part));
	assert_false(quire_output_destroys(part, place->file));
	assert_false(quire_output_destroys(place->file, other));
	/* Another name of the same file, and a link to it. */
	scratch_write(place->file, "file", 4);
	assert_int_equal(link(place->file, other), 0);
	assert_int_equal(symlink("file", place->link), 0);
	assert_true(quire_output_destroys(place->file, other));
	assert_true(quire_output_destroys(place->link, other));
	free(part);
	free(twisted);
	free(other);
	free(again);
}

static void test_no_folder(void **state)
{
	const struct place *place = *state;
	char *path = scratch_path(place->folder, "absent/file");
	struct quire_output output;
	quire_error error;

	assert_int_equal(quire_output_open(&output, path, true, &error),
			 QUIRE_ERROR_IO);
	assert_non_null(strstr(error.message, strerror(ENOENT)));
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
		CASE(test_appears),	CASE(test_exists),
		CASE(test_link),	CASE(test_mode),
		CASE(test_other_owner), CASE(test_leftover),
		CASE(test_not_ours),	CASE(test_busy),
		CASE(test_exchanged),	CASE(test_destroys),
		CASE(test_no_folder),	cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
