/*
 * test_killed.c - processes that are killed while they write. First at each
 * system call of the library's operations; then the quire command, at random
 * moments of a conversion. At the path there is then the old file, or none,
 * or the new one whole; and the next run leaves no other file beside it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/faults/operations.h"
#include "tests/support/check.h"
#include "tests/support/interposer.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

#define RANDOM_KILLS 20
#define SEED	     UINT64_C(0x6B696C6C)

/* Whether the process was killed; what else it may do is end with 0. */
static bool was_killed(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return true;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

/* What a kill may leave at the path. */
static void check_left(const struct workplace *place, bool had_old)
{
	unsigned char *bytes;
	quire_model *model;
	size_t size;

	if (access(place->output, F_OK) != 0) {
		assert_false(had_old);
		return;
	}
	bytes = scratch_read(place->output, &size);
	if (!had_old || size != strlen(OLD_TEXT) ||
	    memcmp(bytes, OLD_TEXT, size) != 0) {
		assert_int_equal(
		    quire_model_open(place->output, NULL, &model, NULL),
		    QUIRE_OK);
		assert_int_equal(quire_model_verify(model, NULL, NULL),
				 QUIRE_OK);
		quire_model_close(model);
	}
	free(bytes);
	assert_true(scratch_count(place->folder) <= 2);
}

/* The next run makes good what a killed one left. */
static void recover(const struct workplace *place)
{
	const struct operation *again = NULL;
	quire_error error;

	for (size_t i = 0; i < operation_count && !again; i++)
		if (operations[i].overwrites)
			again = &operations[i];
	assert_non_null(again);
	if (again->run(place, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
	workplace_check(place, again, QUIRE_OK, "after a kill");
}

/* Killed at call number `at`; false: it was not reached. */
static bool kill_at(const struct workplace *place,
		    const struct operation *operation, enum fault_call call,
		    long at)
{
	bool killed;
	pid_t child;

	workplace_prepare(place, operation);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		fault_arm(call, at, FAULT_KILL);
		_exit(operation->run(place, NULL) == QUIRE_OK ? 0 : 1);
	}
	killed = was_killed(child);
	if (killed)
		check_left(place, operation->overwrites);
	recover(place);
	return killed;
}

static void test_each_call(void **state)
{
	static const enum fault_call calls[] = {
		FAULT_OPEN, FAULT_PWRITE, FAULT_FTRUNCATE, FAULT_FSYNC,
		FAULT_LINK, FAULT_UNLINK, FAULT_RENAME,
	};
	struct workplace place = workplace_make();
	size_t kills = 0;

	(void)state;
	for (size_t i = 0; i < operation_count; i++)
		for (size_t k = 0; operations[i].writes &&
				   k < sizeof(calls) / sizeof(calls[0]);
		     k++)
			for (long at = 0;
			     kill_at(&place, &operations[i], calls[k], at);
			     at++)
				kills++;
	workplace_remove(&place);
	assert_true(kills > 0);
	printf("survived %zu kills at system calls of a writer\n", kills);
}

#ifdef QUIRE_COMMAND

static pid_t start_command(const struct workplace *place)
{
	const pid_t child = fork();
	int nowhere;

	assert_true(child >= 0);
	if (child > 0)
		return child;
	nowhere = open("/dev/null", O_WRONLY);
	dup2(nowhere, STDOUT_FILENO);
	execl(QUIRE_COMMAND, "quire", "convert", QUIRE_EXAMPLE, "--force", "-o",
	      place->output, (char *)NULL);
	_exit(127);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	const struct timespec time = { .tv_sec = (time_t)(ns / 1000000000),
				       .tv_nsec = (long)(ns % 1000000000) };

	nanosleep(&time, NULL);
}

static void test_command(void **state)
{
	const struct operation command = { .name = "quire convert",
					   .writes = true,
					   .overwrites = true };
	struct workplace place = workplace_make();
	struct rng rng = { SEED };
	uint64_t started = now_ns(), duration;
	int kills = 0, runs = 0;

	(void)state;
	assert_false(was_killed(start_command(&place)));
	duration = now_ns() - started;
	/* Some end before they are killed; those do not count. */
	while (kills < RANDOM_KILLS && runs++ < 20 * RANDOM_KILLS) {
		pid_t child;

		workplace_prepare(&place, &command);
		child = start_command(&place);
		sleep_ns(random_below(&rng, duration));
		kill(child, SIGKILL);
		kills += was_killed(child);
		check_left(&place, true);
		assert_false(was_killed(start_command(&place)));
		workplace_check(&place, &command, QUIRE_OK, "after a kill");
	}
	workplace_remove(&place);
	assert_int_equal(kills, RANDOM_KILLS);
	printf("survived %d kills of quire convert at random moments\n", kills);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call),
#ifdef QUIRE_COMMAND
		cmocka_unit_test(test_command),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
