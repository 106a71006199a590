/*
 * test_failing_malloc.c - each allocation of each operation fails once. The
 * operation must report that there is no memory, or do without. It must leave
 * no bytes, files or descriptors behind.
 */
#include <stdio.h>

#include "tests/faults/operations.h"
#include "tests/faults/workplace.h"
#include "tests/support/check.h"
#include "tests/support/failing_malloc.h"

/* Runs the operation with allocation `at` failing. false: it was not
 * reached. */
static bool fail_once(const struct workplace *place,
		      const struct operation *operation, long at)
{
	const size_t held = failing_malloc_held();
	const size_t descriptors = descriptor_count();
	quire_error error = { .status = QUIRE_OK };
	quire_status status;
	char fault[64];
	bool reached;

	snprintf(fault, sizeof(fault), "%s: allocation %ld", operation->name,
		 at);
	workplace_prepare(place, operation);
	failing_malloc_arm(at);
	status = operation->run(place, &error);
	reached = failing_malloc_disarm();
	if (status != QUIRE_OK &&
	    (status != QUIRE_ERROR_MEMORY || error.status != status))
		fail_msg("%s: %s: %s", fault, quire_status_name(status),
			 error.message);
	if (status != QUIRE_OK && !reached)
		fail_msg("%s: %s, with no fault", fault, error.message);
	if (failing_malloc_held() != held)
		fail_msg("%s: leaks %zd bytes", fault,
			 (ptrdiff_t)(failing_malloc_held() - held));
	assert_int_equal(descriptor_count(), descriptors);
	workplace_check(place, operation, status, fault);
	return reached;
}

static void test_operation(void **state)
{
	const struct operation *operation = *state;
	struct workplace place = workplace_make();
	long at = 0;

	while (fail_once(&place, operation, at))
		at++;
	assert_true(at > 0);
	printf("survived %ld failing allocations: %s\n", at, operation->name);
	workplace_remove(&place);
}

int main(void)
{
	/* cmocka skips entries that are empty. */
	struct CMUnitTest tests[32] = { { NULL, NULL, NULL, NULL, NULL } };

	assert_true(operation_count <= sizeof(tests) / sizeof(tests[0]));
	for (size_t i = 0; i < operation_count; i++) {
		tests[i].name = operations[i].name;
		tests[i].test_func = test_operation;
		tests[i].initial_state = (void *)(uintptr_t)&operations[i];
	}
	return cmocka_run_group_tests_name("failing malloc", tests, NULL, NULL);
}
