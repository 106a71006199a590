/*
 * test_refused_calls.c - each operation on file systems that lack calls: they
 * refuse them every time, and not once, as a call that fails. The operation
 * must succeed and leave what it leaves elsewhere.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/output.h"
#include "tests/faults/operations.h"
#include "tests/faults/workplace.h"
#include "tests/support/check.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/interposer.h"
#include "tests/support/scratch.h"

#define REFUSALS 6

static const struct system {
	const char *name;
	struct {
		enum fault_call call;
		int error_number;
	} refusals[REFUSALS]; /* up to error number 0 */
} systems[] = {
	{ "NFS without its lock daemon", { { FAULT_FLOCK, ENOLCK } } },
	{ "no locks", { { FAULT_FLOCK, ENOSYS } } },
	{ "locks not supported", { { FAULT_FLOCK, EOPNOTSUPP } } },
	{ "locks not valid", { { FAULT_FLOCK, EINVAL } } },
	{ "FAT",
	  { { FAULT_LINK, EPERM },
	    { FAULT_RENAMEAT2, EINVAL },
	    { FAULT_FTRUNCATE, EPERM },
	    { FAULT_FSYNC_FOLDER, EINVAL } } },
	{ "no links", { { FAULT_LINK, EPERM } } },
	{ "links not supported", { { FAULT_LINK, EOPNOTSUPP } } },
	{ "Android", { { FAULT_LINK, EACCES } } },
	{ "neither links nor renaming without replacing",
	  { { FAULT_LINK, ENOSYS }, { FAULT_RENAMEAT2, ENOSYS } } },
	{ "a sandbox",
	  { { FAULT_LINK, EPERM },
	    { FAULT_RENAMEAT2, EPERM },
	    { FAULT_FLOCK, ENOSYS },
	    { FAULT_COPY_FILE_RANGE, EPERM },
	    { FAULT_FSYNC_FOLDER, EPERM } } },
	{ "no fsync",
	  { { FAULT_FSYNC, EINVAL }, { FAULT_FSYNC_FOLDER, EINVAL } } },
	{ "fsync not supported",
	  { { FAULT_FSYNC, EOPNOTSUPP }, { FAULT_FSYNC_FOLDER, EOPNOTSUPP } } },
	{ "fsync not there",
	  { { FAULT_FSYNC, ENOSYS }, { FAULT_FSYNC_FOLDER, ENOSYS } } },
	{ "no lengthening",
	  { { FAULT_FTRUNCATE, EOPNOTSUPP },
	    { FAULT_COPY_FILE_RANGE, EXDEV } } },
	{ "lengthening not valid", { { FAULT_FTRUNCATE, EINVAL } } },
	{ "FUSE",
	  { { FAULT_MMAP, ENODEV },
	    { FAULT_LINK, EPERM },
	    { FAULT_COPY_FILE_RANGE, EOPNOTSUPP },
	    { FAULT_FSYNC_FOLDER, ENOSYS } } },
	{ "9p",
	  { { FAULT_MMAP, EINVAL },
	    { FAULT_FLOCK, EOPNOTSUPP },
	    { FAULT_RENAMEAT2, EINVAL } } },
	{ "mappings not supported", { { FAULT_MMAP, EOPNOTSUPP } } },
	/* No group is given, and no more is allowed than before. */
	{ "no groups", { { FAULT_FCHOWN, EPERM } } },
};

static void refuse(const struct system *system)
{
	for (size_t i = 0;
	     i < REFUSALS && system->refusals[i].error_number != 0; i++)
		fault_refuse(system->refusals[i].call,
			     system->refusals[i].error_number);
}

static long run_on(const struct workplace *place,
		   const struct operation *operation,
		   const struct system *system)
{
	const size_t held = failing_malloc_held();
	const size_t descriptors = descriptor_count();
	quire_error error = { .status = QUIRE_OK };
	quire_status status;
	char what[160];
	long refused;

	snprintf(what, sizeof(what), "%s: %s", operation->name, system->name);
	workplace_prepare(place, operation);
	refuse(system);
	status = operation->run(place, &error);
	refused = fault_allow();
	if (status != QUIRE_OK)
		fail_msg("%s: %s", what, error.message);
	if (failing_malloc_held() != held)
		fail_msg("%s: leaks", what);
	if (descriptor_count() != descriptors)
		fail_msg("%s: leaves a file open", what);
	workplace_check(place, operation, status, what);
	return refused;
}

static void test_operation(void **state)
{
	const struct operation *operation = *state;
	struct workplace place = workplace_make();
	long total = 0;

	for (size_t i = 0; i < sizeof(systems) / sizeof(*systems); i++)
		total += run_on(&place, operation, &systems[i]);
	workplace_remove(&place);
	if (operation->writes)
		assert_true(total > 0);
	printf("survived %ld refused system calls: %s\n", total,
	       operation->name);
}

/* A file system that maps no file: each mapping is refused, and the bytes are
 * read. */
static void test_maps_nothing(void **state)
{
	struct workplace place = workplace_make();
	quire_model *model;
	const quire_linear *linear;

	(void)state;
	fault_refuse(FAULT_MMAP, ENODEV);
	assert_int_equal(quire_model_open(place.container, NULL, &model, NULL),
			 QUIRE_OK);
	/* Shared, then private. */
	assert_int_equal(fault_allow(), 2);
	linear = quire_model_find_linear(model, "fc");
	assert_non_null(linear);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	/* It is a copy: the file may go. */
	assert_int_equal(truncate(place.container, 0), 0);
	assert_int_equal(quire_model_check_files(model, NULL), QUIRE_OK);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	quire_model_close(model);
	workplace_remove(&place);
}

/* Without locks two writers cannot know of each other: the second one takes
 * over, and the first one must notice, and leave the other's file alone. */
static void test_no_locks(void **state)
{
	struct workplace place = workplace_make();
	const struct operation *operation = operations;
	struct quire_output first;
	quire_error error;

	(void)state;
	while (!operation->overwrites)
		operation++;
	workplace_prepare(&place, operation);
	fault_refuse(FAULT_FLOCK, ENOLCK);
	assert_int_equal(quire_output_open(&first, place.output, true, NULL),
			 QUIRE_OK);
	assert_int_equal(operation->run(&place, NULL), QUIRE_OK);
	assert_int_equal(quire_output_commit(&first, &error), QUIRE_ERROR_IO);
	assert_non_null(strstr(error.message, "removed or replaced"));
	quire_output_discard(&first);
	assert_true(fault_allow() > 0);
	workplace_check(&place, operation, QUIRE_OK, "without locks");
	workplace_remove(&place);
}

/* The file appears after the last look, and before the renaming that replaces
 * nothing: it is not replaced. */
static void test_appears_late(void **state)
{
	struct workplace place = workplace_make();
	struct quire_output output;
	quire_error error;

	(void)state;
	for (int refused = 0; refused < 3; refused++) {
		unlink(place.output);
		assert_int_equal(
		    quire_output_open(&output, place.output, false, NULL),
		    QUIRE_OK);
		scratch_write(place.output, "theirs", 6);
		if (refused > 0)
			fault_refuse(FAULT_LINK, EPERM);
		if (refused > 1)
			fault_refuse(FAULT_RENAMEAT2, EINVAL);
		assert_int_equal(quire_output_commit(&output, &error),
				 QUIRE_ERROR_EXISTS);
		assert_int_equal(fault_allow(), refused);
		quire_output_discard(&output);
		assert_int_equal(scratch_count(place.folder), 1);
	}
	workplace_remove(&place);
}

/* As with ulimit -v: the size and the limit are named. No mapping is refused by
 * this limit, which is beyond what a process can have. */
static void test_space_limit(void **state)
{
	static const enum fault_call calls[] = { FAULT_MMAP,
						 FAULT_MMAP_MEMORY };
	struct workplace place = workplace_make();
	const rlim_t most = (rlim_t)1 << 50;
	struct rlimit old, limit;
	quire_model *model;
	quire_error error;
	char size[32];
	size_t bytes;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	limit = old;
	limit.rlim_cur = most;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	free(scratch_read(place.large, &bytes));
	snprintf(size, sizeof(size), "%zu", bytes);
	for (size_t i = 0; i < 2; i++) {
		const quire_open_options options = {
			.load = i == 0 ? QUIRE_LOAD_MAP : QUIRE_LOAD_READ,
		};

		fault_arm(calls[i], 0, ENOMEM);
		assert_int_equal(
		    quire_model_open(place.large, &options, &model, &error),
		    QUIRE_ERROR_MEMORY);
		assert_true(fault_disarm());
		if (!strstr(error.message, size) ||
		    !strstr(error.message, "1125899906842624"))
			fail_msg("%s", error.message);
	}
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
	workplace_remove(&place);
}

int main(void)
{
	/* cmocka skips entries that are empty. */
	struct CMUnitTest tests[40] = {
		cmocka_unit_test(test_maps_nothing),
		cmocka_unit_test(test_no_locks),
		cmocka_unit_test(test_appears_late),
		cmocka_unit_test(test_space_limit),
	};
	const size_t own = 4;

	assert_true(operation_count + own < sizeof(tests) / sizeof(tests[0]));
	for (size_t i = 0; i < operation_count; i++) {
		tests[own + i].name = operations[i].name;
		tests[own + i].test_func = test_operation;
		tests[own + i].initial_state =
		    (void *)(uintptr_t)&operations[i];
	}
	return cmocka_run_group_tests_name("refused system calls", tests, NULL,
					   NULL);
}
