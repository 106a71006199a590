/*
 * test_killed.c - processes that are killed while they write: at each system
 * call of the library's operations, then at random moments of a conversion by
 * the command. The path then has the old file, no file, or the whole new one,
 * and the next run leaves no other file beside it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "quire_convert.h"
#include "tests/faults/operations.h"
#include "tests/faults/workplace.h"
#include "tests/support/check.h"
#include "tests/support/interposer.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

#define RANDOM_KILLS 20
#define SEED	     UINT64_C(0x6B696C6C)

/* Whether the process was killed. Otherwise it must end with exit code 0. */
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

static bool is_old(const char *path)
{
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);
	const bool old =
	    size == strlen(OLD_TEXT) && memcmp(bytes, OLD_TEXT, size) == 0;

	free(bytes);
	return old;
}

/* What a kill may leave: the old file or the new one; without an old file, also
 * none. The first part of a set shows which: it is missing while parts are
 * exchanged. */
static void check_left(const struct workplace *place,
		       const struct operation *operation)
{
	size_t count;
	char *const *outputs = workplace_outputs(place, operation, &count);

	if (access(outputs[0], F_OK) != 0) {
		assert_true(operation->set || !operation->overwrites);
		return;
	}
	if (operation->overwrites && is_old(outputs[0])) {
		for (size_t i = 1; i < count; i++)
			assert_true(is_old(outputs[i]));
	} else {
		workplace_check_new(place, outputs[0], "after a kill");
	}
	assert_true(scratch_count(place->folder) <= 3 * count + 1);
}

static const struct operation *find_overwriting(bool set)
{
	for (size_t i = 0; i < operation_count; i++)
		if (operations[i].overwrites && operations[i].set == set)
			return &operations[i];
	fail();
	return NULL;
}

static void run_again(const struct workplace *place,
		      const struct operation *again)
{
	quire_error error;

	if (again->run(place, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
}

/* The next run completes or removes what the killed one left. If it writes one
 * file in place of a set, it leaves the set whole or removes it. */
static void recover(const struct workplace *place,
		    const struct operation *operation, bool as_file)
{
	const struct operation *again = find_overwriting(operation->set);

	if (operation->set && as_file) {
		run_again(place, find_overwriting(false));
		workplace_check_tidy(place);
		check_left(place, operation);
		if (access(place->set[0], F_OK) != 0)
			assert_int_equal(scratch_count(place->folder), 1);
		else
			assert_int_equal(scratch_count(place->folder),
					 SET_PARTS + 1);
		unlink(place->output);
	}
	run_again(place, again);
	workplace_check(place, again, QUIRE_OK, "after a kill");
}

/* Killed at call number `at`. false: the call was not reached. */
static bool kill_at(const struct workplace *place,
		    const struct operation *operation, enum fault_call call,
		    long at, bool as_file)
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
		check_left(place, operation);
	recover(place, operation, as_file);
	return killed;
}

/* Killed at each call of one kind. Returns the number of calls. */
static size_t kill_everywhere(const struct workplace *place,
			      const struct operation *operation,
			      enum fault_call call, bool as_file)
{
	long at = 0;

	while (kill_at(place, operation, call, at, as_file))
		at++;
	return (size_t)at;
}

static void test_each_call(void **state)
{
	static const enum fault_call calls[] = {
		FAULT_OPEN,   FAULT_FLOCK,	  FAULT_PWRITE, FAULT_FTRUNCATE,
		FAULT_FSYNC,  FAULT_LINK,	  FAULT_UNLINK, FAULT_RENAME,
		FAULT_FCHMOD, FAULT_FSYNC_FOLDER,
	};
	struct workplace place = workplace_make();
	size_t kills = 0;

	(void)state;
	for (size_t i = 0; i < operation_count; i++)
		for (size_t k = 0; operations[i].writes &&
				   k < sizeof(calls) / sizeof(calls[0]);
		     k++)
			for (int set = 0; set <= operations[i].set; set++)
				kills += kill_everywhere(&place, &operations[i],
							 calls[k], set > 0);
	workplace_remove(&place);
	assert_true(kills > 0);
	printf("survived %zu kills at system calls of a writer\n", kills);
}

/* Exports over existing files, with the data beside the model. */
static quire_status export_pair(const struct workplace *place,
				const char *container)
{
	const quire_export_options options = { .overwrite = true,
					       .external_data = true };

	return quire_export_onnx(container,
				 QUIRE_TEST_ONNX "/good/block_256.onnx",
				 place->output, &options, NULL, NULL);
}

static bool kill_pair(const struct workplace *place, const char *container,
		      enum fault_call call, long at)
{
	const pid_t child = fork();
	bool killed;

	assert_true(child >= 0);
	if (child == 0) {
		fault_arm(call, at, FAULT_KILL);
		_exit(export_pair(place, container) == QUIRE_OK ? 0 : 1);
	}
	killed = was_killed(child);
	if (access(place->output, F_OK) == 0)
		workplace_check_new(place, place->output, "after a kill");
	assert_int_equal(export_pair(place, container), QUIRE_OK);
	workplace_check_new(place, place->output, "after a kill");
	workplace_check_tidy(place);
	assert_int_equal(scratch_count(place->folder), 2);
	return killed;
}

/* A model at the path has its data, whenever the process ended. */
static void test_export_pair(void **state)
{
	static const enum fault_call calls[] = {
		FAULT_OPEN,	 FAULT_FLOCK,  FAULT_PWRITE,
		FAULT_FTRUNCATE, FAULT_FSYNC,  FAULT_UNLINK,
		FAULT_RENAME,	 FAULT_FCHMOD, FAULT_FSYNC_FOLDER,
	};
	struct workplace place = workplace_make();
	char *container = workplace_convert(&place, "block_256");
	size_t kills = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (long at = 0; kill_pair(&place, container, calls[i], at);
		     at++)
			kills++;
	free(container);
	workplace_remove(&place);
	assert_true(kills > 10);
}

#ifdef QUIRE_COMMAND

static pid_t start_command(const struct workplace *place, bool set)
{
	const pid_t child = fork();
	int nowhere;

	assert_true(child >= 0);
	if (child > 0)
		return child;
	nowhere = open("/dev/null", O_WRONLY);
	dup2(nowhere, STDOUT_FILENO);
	execl(QUIRE_COMMAND, "quire", "convert", QUIRE_EXAMPLE, "--force", "-o",
	      place->output, set ? "--split-size" : (char *)NULL, "500K",
	      (char *)NULL);
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

/* How long the command takes from its start to its end, now. */
static uint64_t run_command(const struct workplace *place, bool set)
{
	const uint64_t started = now_ns();

	assert_false(was_killed(start_command(place, set)));
	return now_ns() - started;
}

static void kill_command(bool set)
{
	const struct operation command = { .name = "quire convert",
					   .writes = true,
					   .overwrites = true,
					   .set = set };
	struct workplace place = workplace_make();
	struct rng rng = { SEED };
	uint64_t duration = run_command(&place, set);
	int kills = 0, runs = 0;

	/* Runs that end before they are killed do not count. A run takes as
	 * long as the last one, and not as the first one, while the machine's
	 * load changes. */
	while (kills < RANDOM_KILLS && runs++ < 20 * RANDOM_KILLS) {
		pid_t child;

		workplace_prepare(&place, &command);
		child = start_command(&place, set);
		sleep_ns(random_below(&rng, duration));
		kill(child, SIGKILL);
		kills += was_killed(child);
		check_left(&place, &command);
		duration = run_command(&place, set);
		workplace_check(&place, &command, QUIRE_OK, "after a kill");
	}
	workplace_remove(&place);
	assert_int_equal(kills, RANDOM_KILLS);
	printf("survived %d kills of quire convert at random moments%s\n",
	       kills, set ? ", writing a split set" : "");
}

static void test_command(void **state)
{
	(void)state;
	kill_command(false);
}

static void test_command_set(void **state)
{
	(void)state;
	kill_command(true);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_call),
		cmocka_unit_test(test_export_pair),
#ifdef QUIRE_COMMAND
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_set),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
