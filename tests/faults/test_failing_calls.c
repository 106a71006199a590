/*
 * test_failing_calls.c - each system call of each operation fails once, in each
 * way that it can. Transfers are also cut short and interrupted, which must
 * change nothing. A failure must be reported with the system's message, and
 * must leave the folder as it was and no descriptor open.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/faults/operations.h"
#include "tests/faults/workplace.h"
#include "tests/support/check.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/interposer.h"
#include "tests/support/scratch.h"

struct way {
	enum fault_call call;
	int error_number;
	bool harmless; /* the operation must succeed nevertheless */
};

static const struct way ways[] = {
	{ FAULT_OPEN, EIO, false },
	{ FAULT_OPEN, EMFILE, false },
	{ FAULT_OPEN, EACCES, false },
	{ FAULT_FSTAT, EIO, false },
	{ FAULT_READ, EIO, false },
	{ FAULT_READ, EINTR, true },
	{ FAULT_READ, FAULT_SHORT, true },
	{ FAULT_PREAD, EIO, false },
	{ FAULT_PREAD, EINTR, true },
	{ FAULT_PREAD, FAULT_SHORT, true },
	{ FAULT_WRITE, EIO, false },
	{ FAULT_PWRITE, EIO, false },
	{ FAULT_PWRITE, ENOSPC, false },
	{ FAULT_PWRITE, EDQUOT, false },
	{ FAULT_PWRITE, EINTR, true },
	{ FAULT_PWRITE, FAULT_SHORT, true },
	{ FAULT_OPEN, ENOSPC, false },
	{ FAULT_OPEN, EDQUOT, false },
	{ FAULT_FTRUNCATE, EIO, false },
	{ FAULT_FTRUNCATE, ENOSPC, false },
	{ FAULT_FTRUNCATE, EDQUOT, false },
	{ FAULT_FSYNC, EIO, false },
	{ FAULT_FSYNC, ENOSPC, false },
	{ FAULT_FSYNC, EDQUOT, false },
	/* The names have changed: there is no way back. */
	{ FAULT_FSYNC_FOLDER, EIO, true },
	{ FAULT_FSYNC_FOLDER, ENOSPC, true },
	{ FAULT_LINK, EIO, false },
	{ FAULT_LINK, ENOSPC, false },
	{ FAULT_LINK, EDQUOT, false },
	{ FAULT_LINK, EROFS, false },
	{ FAULT_RENAME, EIO, false },
	{ FAULT_RENAME, ENOSPC, false },
	{ FAULT_RENAME, EDQUOT, false },
	{ FAULT_RENAME, EPERM, false },
	{ FAULT_FLOCK, EIO, false },
	{ FAULT_FLOCK, ENOMEM, false },
	{ FAULT_FLOCK, EINTR, true },
	{ FAULT_FCHMOD, EIO, false },
	{ FAULT_FCHMOD, EPERM, false },
	{ FAULT_FCHMOD, EDQUOT, false },
	{ FAULT_COPY_FILE_RANGE, EIO, true },
	{ FAULT_COPY_FILE_RANGE, ENOSPC, true },
	{ FAULT_COPY_FILE_RANGE, EINTR, true },
	{ FAULT_MMAP, ENOMEM, false },
	{ FAULT_MMAP, EAGAIN, false },
	{ FAULT_MMAP_MEMORY, ENOMEM, false },
};

static void check_error(const struct way *way, const quire_error *error,
			quire_status status, const char *fault)
{
	if (way->harmless)
		fail_msg("%s: %s", fault, error->message);
	if ((status != QUIRE_ERROR_IO && status != QUIRE_ERROR_MEMORY) ||
	    error->status != status)
		fail_msg("%s: status %s", fault, quire_status_name(status));
	/* A mapping without a file is memory: it says so. */
	if (way->call == FAULT_MMAP_MEMORY &&
	    strstr(error->message, "out of memory"))
		return;
	if (!strstr(error->message, strerror(way->error_number)))
		fail_msg("%s: \"%s\" does not say why", fault, error->message);
}

/* Runs the operation with call number `at` failing. false: the call was not
 * reached. */
static bool fail_once(const struct workplace *place,
		      const struct operation *operation, const struct way *way,
		      long at)
{
	const size_t held = failing_malloc_held();
	const size_t descriptors = descriptor_count();
	quire_error error = { .status = QUIRE_OK };
	quire_status status;
	char fault[128];
	bool reached;

	snprintf(fault, sizeof(fault), "%s: %s %ld: %s", operation->name,
		 fault_call_name(way->call), at,
		 way->error_number ? strerror(way->error_number) : "short");
	workplace_prepare(place, operation);
	fault_arm(way->call, at, way->error_number);
	status = operation->run(place, &error);
	reached = fault_disarm();
	if (status != QUIRE_OK)
		check_error(way, &error, status, fault);
	if (failing_malloc_held() != held)
		fail_msg("%s: leaks", fault);
	if (descriptor_count() != descriptors)
		fail_msg("%s: leaves a file open", fault);
	workplace_check(place, operation, status, fault);
	return reached;
}

static void test_operation(void **state)
{
	const struct operation *operation = *state;
	struct workplace place = workplace_make();
	long total = 0;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		long at = 0;

		while (fail_once(&place, operation, &ways[i], at))
			at++;
		total += at;
	}
	assert_true(total > 0);
	printf("survived %ld failing system calls: %s\n", total,
	       operation->name);
	workplace_remove(&place);
}

/* A process was killed after it gave the file its name and before it removed
 * the temporary name. To truncate that file would truncate the output. */
static void test_second_name(void **state)
{
	struct workplace place = workplace_make();
	const struct operation *operation = operations;
	char *part = scratch_path(place.folder, "out.gguf.quire-part");
	quire_status status;

	(void)state;
	while (!operation->overwrites)
		operation++;
	workplace_prepare(&place, operation);
	assert_int_equal(link(place.output, part), 0);
	fault_arm(FAULT_PWRITE, 0, ENOSPC);
	status = operation->run(&place, NULL);
	assert_true(fault_disarm());
	assert_int_equal(status, QUIRE_ERROR_IO);
	workplace_check(&place, operation, status, "a second name");
	free(part);
	workplace_remove(&place);
}

int main(void)
{
	/* cmocka skips entries that are empty. */
	struct CMUnitTest tests[32] = { cmocka_unit_test(test_second_name) };

	assert_true(operation_count < sizeof(tests) / sizeof(tests[0]));
	for (size_t i = 0; i < operation_count; i++) {
		tests[i + 1].name = operations[i].name;
		tests[i + 1].test_func = test_operation;
		tests[i + 1].initial_state = (void *)(uintptr_t)&operations[i];
	}
	return cmocka_run_group_tests_name("failing system calls", tests, NULL,
					   NULL);
}
