/*
 * test_kept_parts.c - new metadata for a split set in place, where one file of
 * three stays: each system call fails, and at each the process is killed. The
 * set is then the old one or the new one, and the kept file is the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/faults/workplace.h"
#include "tests/support/check.h"
#include "tests/support/interposer.h"
#include "tests/support/scratch.h"

#define COUNT  300 /* floats of each tensor */
#define OLD    1   /* the value of the key */
#define NEW    2
#define KEPT   2 /* the part */
#define TENSOR 1 /* that gets another type: its file is written */

static const enum fault_call calls[] = {
	FAULT_OPEN,  FAULT_PREAD,  FAULT_PWRITE,       FAULT_FTRUNCATE,
	FAULT_FSYNC, FAULT_LINK,   FAULT_UNLINK,       FAULT_RENAME,
	FAULT_FLOCK, FAULT_FCHMOD, FAULT_FSYNC_FOLDER,
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

static quire_status begin(const struct workplace *place, quire_writer **writer,
			  uint32_t value, quire_error *error)
{
	const quire_writer_options options = { .alignment = 32,
					       .overwrite = true,
					       .part_count = SET_PARTS,
					       .keep_parts = true };
	const quire_status status =
	    quire_writer_create(place->output, &options, writer, error);

	if (status != QUIRE_OK)
		return status;
	return quire_writer_set_u32(*writer, "test.a", value, error);
}

/* Three files of a tensor each. */
static void write_old(const struct workplace *place)
{
	float floats[COUNT] = { 1, 2, 3 };
	quire_writer *writer;

	for (int i = 0; i < SET_PARTS; i++)
		(void)unlink(place->set[i]);
	assert_int_equal(begin(place, &writer, OLD, NULL), QUIRE_OK);
	for (uint32_t i = 0; i < SET_PARTS; i++) {
		const char name[] = { (char)('a' + i), '\0' };
		const quire_tensor tensor = { .name = { name, 1 },
					      .rank = 1,
					      .shape = { COUNT },
					      .part = i };

		assert_int_equal(quire_writer_add_tensor(writer, &tensor, NULL),
				 QUIRE_OK);
	}
	for (uint32_t i = 0; i < SET_PARTS; i++)
		assert_int_equal(
		    quire_writer_write(writer, i, floats, sizeof(floats), NULL),
		    QUIRE_OK);
	assert_int_equal(quire_writer_finish(writer, NULL), QUIRE_OK);
	quire_writer_free(writer);
}

/* I32 is 26: as large as F32. */
static quire_status declare(quire_writer *writer, const quire_model *model,
			    quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < SET_PARTS && status == QUIRE_OK; i++) {
		quire_tensor tensor = *quire_model_tensor(model, i);

		if (i == TENSOR)
			tensor.dtype = (quire_dtype)26;
		status = quire_writer_add_tensor(writer, &tensor, error);
	}
	return status;
}

/* The files are open already: their opening is not under test. */
struct source {
	quire_model *model;
	int files[SET_PARTS];
};

static quire_status write_new(const struct workplace *place,
			      const struct source *source, quire_error *error)
{
	quire_writer *writer = NULL;
	quire_status status = begin(place, &writer, NEW, error);

	if (status == QUIRE_OK)
		status = declare(writer, source->model, error);
	if (status == QUIRE_OK)
		status = quire_writer_adopt_set(writer, source->files, NULL,
						SET_PARTS, NULL, NULL, error);
	if (status == QUIRE_OK)
		status = quire_writer_finish(writer, error);
	quire_writer_free(writer);
	return status;
}

static struct source open_source(const struct workplace *place)
{
	struct source source;

	assert_int_equal(
	    quire_model_open(place->set[0], NULL, &source.model, NULL),
	    QUIRE_OK);
	for (size_t i = 0; i < SET_PARTS; i++) {
		source.files[i] = open(place->set[i], O_RDONLY);
		assert_true(source.files[i] >= 0);
	}
	return source;
}

static void close_source(struct source *source)
{
	for (size_t i = 0; i < SET_PARTS; i++)
		close(source->files[i]);
	quire_model_close(source->model);
}

static ino_t kept_number(const struct workplace *place)
{
	struct stat facts;

	assert_int_equal(stat(place->set[KEPT], &facts), 0);
	return facts.st_ino;
}

/* The set is whole; returns the value of its key. */
static uint64_t check_whole(const struct workplace *place, ino_t kept)
{
	quire_model *model;
	uint64_t value;

	assert_int_equal(kept_number(place), kept);
	assert_int_equal(quire_model_open(place->set[1], NULL, &model, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	value = quire_model_find_value(model, "test.a")->as.u;
	assert_int_equal(quire_model_tensor(model, TENSOR)->dtype,
			 value == OLD ? QUIRE_F32 : 26);
	quire_model_close(model);
	return value;
}

/* The next writer repairs what the killed one left. */
static void recover(const struct workplace *place)
{
	quire_writer *writer;

	assert_int_equal(begin(place, &writer, OLD, NULL), QUIRE_OK);
	quire_writer_free(writer);
	assert_int_equal(scratch_count(place->folder), SET_PARTS);
	workplace_check_tidy(place);
}

/* false: the call was not reached. */
static bool kill_at(const struct workplace *place, enum fault_call call,
		    long at)
{
	struct source source;
	ino_t kept;
	int status;
	pid_t child;

	write_old(place);
	source = open_source(place);
	kept = kept_number(place);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		fault_arm(call, at, FAULT_KILL);
		_exit(write_new(place, &source, NULL) == QUIRE_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	close_source(&source);
	if (!WIFSIGNALED(status)) {
		assert_int_equal(WEXITSTATUS(status), 0);
		assert_int_equal(check_whole(place, kept), NEW);
		return false;
	}
	/* While files are exchanged the first one is missing. */
	if (access(place->set[0], F_OK) == 0)
		check_whole(place, kept);
	recover(place);
	check_whole(place, kept);
	return true;
}

static void test_killed(void **state)
{
	struct workplace place = workplace_make();
	size_t kills = 0;

	(void)state;
	for (size_t i = 0; i < CALL_COUNT; i++)
		for (long at = 0; kill_at(&place, calls[i], at); at++)
			kills++;
	workplace_remove(&place);
	/* Two files that are made, flushed, put aside, placed. */
	assert_true(kills > 10);
}

static bool fail_at(const struct workplace *place, enum fault_call call,
		    long at)
{
	struct source source;
	quire_status status;
	quire_error error;
	uint64_t value;
	ino_t kept;
	bool reached;

	write_old(place);
	source = open_source(place);
	kept = kept_number(place);
	fault_arm(call, at, EIO);
	status = write_new(place, &source, &error);
	reached = fault_disarm();
	close_source(&source);
	if (status != QUIRE_OK)
		recover(place);
	/* A kept file that cannot be read is written. */
	if (kept_number(place) != kept && status == QUIRE_OK)
		kept = kept_number(place);
	value = check_whole(place, kept);
	assert_int_equal(value, status == QUIRE_OK ? NEW : OLD);
	return reached;
}

static void test_failing(void **state)
{
	struct workplace place = workplace_make();
	size_t faults = 0;

	(void)state;
	for (size_t i = 0; i < CALL_COUNT; i++)
		for (long at = 0; fail_at(&place, calls[i], at); at++)
			faults++;
	workplace_remove(&place);
	assert_true(faults > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
