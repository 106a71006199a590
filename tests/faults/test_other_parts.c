/*
 * test_other_parts.c - what others may have put where an output's temporary
 * file goes, before each operation that writes. A file of another user, a link,
 * a folder and a pipe are refused and left alone. A file of our own is replaced
 * and never written to: it may be another name of any file, or be open
 * elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/faults/operations.h"
#include "tests/faults/workplace.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

/* A user that the tests are not. */
#define OTHER  54321
#define THEIRS "somebody's own file"

struct planting {
	const char *part; /* the name of the temporary file */
	const char *victim;
	int held; /* an open file; -1: none */
};

/* false: the process may not make it. */
typedef bool plant_fn(struct planting *planting);

static bool give_away(const struct planting *planting, mode_t mode)
{
	scratch_write(planting->part, THEIRS, strlen(THEIRS));
	assert_int_equal(chmod(planting->part, mode), 0);
	if (chown(planting->part, OTHER, OTHER) == 0)
		return true;
	/* EINVAL: a user namespace without that user. */
	assert_true(errno == EPERM || errno == EINVAL);
	assert_int_equal(unlink(planting->part), 0);
	return false;
}

static bool plant_private(struct planting *planting)
{
	return give_away(planting, 0600);
}

static bool plant_open(struct planting *planting)
{
	return give_away(planting, 0666);
}

static bool plant_link(struct planting *planting)
{
	return symlink(planting->victim, planting->part) == 0;
}

static bool plant_dangling(struct planting *planting)
{
	return symlink("absent", planting->part) == 0;
}

static bool plant_folder(struct planting *planting)
{
	return mkdir(planting->part, 0777) == 0;
}

static bool plant_pipe(struct planting *planting)
{
	return mkfifo(planting->part, 0666) == 0;
}

static bool plant_second_name(struct planting *planting)
{
	return link(planting->victim, planting->part) == 0;
}

static bool plant_held(struct planting *planting)
{
	scratch_write(planting->part, THEIRS, strlen(THEIRS));
	assert_int_equal(chmod(planting->part, 0666), 0);
	planting->held = open(planting->part, O_RDWR | O_CLOEXEC);
	return planting->held >= 0;
}

static const struct kind {
	const char *name;
	plant_fn *plant;
	bool ours; /* it is replaced, and else refused */
} kinds[] = {
	{ "another user's", plant_private, false },
	{ "another user's, for all", plant_open, false },
	{ "a link", plant_link, false },
	{ "a dangling link", plant_dangling, false },
	{ "a folder", plant_folder, false },
	{ "a pipe", plant_pipe, false },
	{ "a second name", plant_second_name, true },
	{ "held open", plant_held, true },
};

static void check_theirs(const char *path, const char *what)
{
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);

	if (size != strlen(THEIRS) || memcmp(bytes, THEIRS, size) != 0)
		fail_msg("%s was written to", what);
	free(bytes);
}

/* The refused one is as it was; then it is taken away. */
static void take_away(const struct planting *planting,
		      const struct stat *before, const char *what)
{
	struct stat after;

	assert_int_equal(lstat(planting->part, &after), 0);
	if (after.st_ino != before->st_ino || after.st_uid != before->st_uid ||
	    after.st_mode != before->st_mode)
		fail_msg("%s was exchanged", what);
	if (S_ISREG(after.st_mode))
		check_theirs(planting->part, what);
	if (remove(planting->part) != 0)
		fail_msg("%s: %s", what, strerror(errno));
}

/* What is written to a replaced file goes nowhere. */
static void write_late(const struct planting *planting)
{
	if (planting->held < 0)
		return;
	assert_int_equal(pwrite(planting->held, "XXXXXXXX", 8, 0), 8);
	assert_int_equal(close(planting->held), 0);
}

static bool try_kind(const struct workplace *place,
		     const struct operation *operation, const struct kind *kind,
		     const char *part)
{
	struct planting planting = { .part = part, .held = -1 };
	char *victim = scratch_path(place->sources, "victim");
	quire_error error = { .status = QUIRE_OK };
	quire_status status;
	struct stat before;
	char what[160];
	bool planted;

	planting.victim = victim;
	scratch_write(victim, THEIRS, strlen(THEIRS));
	workplace_prepare(place, operation);
	planted = kind->plant(&planting);
	if (planted) {
		snprintf(what, sizeof(what), "%s: %s", operation->name,
			 kind->name);
		assert_int_equal(lstat(part, &before), 0);
		status = operation->run(place, &error);
		if (status != (kind->ours ? QUIRE_OK : QUIRE_ERROR_IO))
			fail_msg("%s: status %s: %s", what,
				 quire_status_name(status), error.message);
		if (!kind->ours && !strstr(error.message, "temporary file"))
			fail_msg("%s: \"%s\" does not say why", what,
				 error.message);
		write_late(&planting);
		check_theirs(victim, what);
		if (!kind->ours)
			take_away(&planting, &before, what);
		workplace_check(place, operation, status, what);
	}
	free(victim);
	return planted;
}

static size_t try_part(const struct workplace *place,
		       const struct operation *operation, const char *output,
		       size_t *skipped)
{
	const size_t count = sizeof(kinds) / sizeof(*kinds);
	char part[512];
	size_t tried = 0;

	snprintf(part, sizeof(part), "%s.quire-part", output);
	for (size_t i = 0; i < count; i++)
		if (try_kind(place, operation, &kinds[i], part))
			tried++;
		else
			++*skipped;
	return tried;
}

/* Of a set, the file that locks it too, and the last part. */
static void test_planted(void **state)
{
	struct workplace place = workplace_make();
	size_t tried = 0, skipped = 0;

	(void)state;
	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];

		if (!operation->writes)
			continue;
		tried += try_part(&place, operation, place.output, &skipped);
		if (operation->set)
			tried += try_part(&place, operation,
					  place.set[SET_PARTS - 1], &skipped);
	}
	workplace_remove(&place);
	assert_true(tried > 0);
	printf("survived %zu parts of others\n", tried);
	if (skipped > 0)
		printf("skipped %zu files of another user: only root gives "
		       "files away\n",
		       skipped);
}

/* Another user's remains of a set tell nothing about ours, which stays. */
static void test_remains(void **state)
{
	static const char *const names[] = {
		"out-00001-of-00003.gguf.quire-part",
		"out-00001-of-00003.gguf.quire-old",
		"out-00002-of-00003.gguf.quire-old",
	};
	const size_t count = sizeof(names) / sizeof(*names);
	struct workplace place = workplace_make();
	const struct operation *operation = operations;
	char *lock = scratch_path(place.folder, "out.gguf.quire-part");
	bool may = true;

	(void)state;
	/* The set is there, and the next writer of out.gguf looks at it. */
	while (!operation->set || !operation->overwrites)
		operation++;
	workplace_prepare(&place, operation);
	assert_int_equal(operation->run(&place, NULL), QUIRE_OK);
	for (size_t i = 0; i < count && may; i++) {
		char *path = scratch_path(place.folder, names[i]);

		scratch_write(path, THEIRS, strlen(THEIRS));
		may = chown(path, OTHER, OTHER) == 0;
		free(path);
	}
	scratch_write(lock, "", 0);
	for (operation = operations;
	     operation->set || !operation->writes || operation->overwrites;)
		operation++;
	if (may) {
		assert_int_equal(operation->run(&place, NULL), QUIRE_OK);
		workplace_check_new(&place, place.set[1], "remains");
		assert_int_equal(scratch_count(place.folder),
				 SET_PARTS + count + 1);
	} else {
		print_message("skipped: only root gives files away\n");
	}
	free(lock);
	workplace_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_remains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
