/*
 * test_thread_pool.c - every item is worked on once, whatever the threads do:
 * many callers, threads that never get a CPU, and threads that lose it in the
 * middle of a product.
 */
#ifdef __linux__
#define _GNU_SOURCE /* sched_setaffinity */
#endif

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/thread.h"
#include "tests/support/check.h"
#include "tests/support/product.h"

#define WORKERS	  9
#define ITEMS_MAX 300

struct job {
	atomic_int done[ITEMS_MAX];
	atomic_int inside[WORKERS]; /* tasks that the worker runs right now */
	size_t sums[WORKERS]; /* without a lock: of one thread at a time */
	size_t workers;
	atomic_int failures;
};

static void task(void *context, size_t worker, size_t item)
{
	struct job *job = context;

	if (worker >= job->workers ||
	    atomic_fetch_add(&job->inside[worker], 1) != 0)
		atomic_fetch_add(&job->failures, 1);
	for (volatile size_t i = 0; i < item % 7 * 40; i++)
		;
	job->sums[worker] += item;
	atomic_fetch_add(&job->done[item], 1);
	atomic_fetch_sub(&job->inside[worker], 1);
}

/* How many items were not done exactly once, and other failures. */
static int run_once(struct crew *crew, size_t workers, size_t count)
{
	struct job *job = calloc(1, sizeof(*job));
	size_t sum = 0;
	int failures = 0;

	if (!job)
		return 1;
	job->workers = workers;
	quire_crew_run(crew, workers, count, task, job);
	for (size_t i = 0; i < WORKERS; i++)
		sum += job->sums[i];
	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (atomic_load(&job->done[i]) != (i < count))
			failures++;
	if (sum != (count > 0 ? count * (count - 1) / 2 : 0))
		failures++;
	failures += atomic_load(&job->failures);
	free(job);
	return failures;
}

struct caller {
	struct thread thread;
	struct crew *crew;
	uint32_t random;
	int failures;
};

static void call_often(void *context)
{
	struct caller *caller = context;

	for (int i = 0; i < 400; i++) {
		/* Numerical Recipes' generator. */
		caller->random =
		    caller->random * UINT32_C(1664525) + UINT32_C(1013904223);
		caller->failures +=
		    run_once(caller->crew, 1 + (caller->random >> 8) % WORKERS,
			     (caller->random >> 16) % ITEMS_MAX);
		if (caller->random >> 28 == 0) /* so that threads fall asleep */
			quire_clock_sleep(300e-6);
	}
}

static void test_callers_at_once(void **state)
{
	(void)state;
	for (uint32_t threads = 2; threads <= WORKERS; threads += 3) {
		struct caller callers[3];
		struct crew crew;

		assert_int_equal(quire_crew_init(&crew, threads, NULL, NULL),
				 QUIRE_OK);
		assert_int_equal(crew.threads, threads);
		for (uint32_t i = 0; i < 3; i++) {
			callers[i] = (struct caller){ .crew = &crew,
						      .random = threads + i };
			assert_true(quire_thread_start(
			    &callers[i].thread, call_often, &callers[i]));
		}
		for (int i = 0; i < 3; i++) {
			quire_thread_join(&callers[i].thread);
			assert_int_equal(callers[i].failures, 0);
		}
		quire_crew_destroy(&crew);
	}
}

static void test_short_lives(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct crew crew;

		assert_int_equal(quire_crew_init(&crew, 8, NULL, NULL),
				 QUIRE_OK);
		if (i % 2 == 1)
			assert_int_equal(run_once(&crew, 8, 20), 0);
		quire_crew_destroy(&crew);
	}
}

/* In the forked process: the old crew, and one of its own. ThreadSanitizer lets
 * a fork start no threads, and takes those of the first process to be in it: so
 * freeing what they read is a race to it. */
static int use_copy(struct crew *crew)
{
	int failures = 0;

	for (int i = 0; i < 5; i++)
		failures += run_once(crew, 4, 100);
#ifndef __SANITIZE_THREAD__
	quire_crew_destroy(crew);
	if (quire_crew_init(crew, 4, NULL, NULL) != QUIRE_OK)
		return 1;
	failures += run_once(crew, 4, 100);
	quire_crew_destroy(crew);
#endif
	return failures;
}

/* The threads of a pool do not exist in a forked process: so none of them ever
 * begins, and the caller does all items. */
static void test_threads_that_never_begin(void **state)
{
	struct crew crew;
	int ended;

	(void)state;
	assert_int_equal(quire_crew_init(&crew, 4, NULL, NULL), QUIRE_OK);
	assert_int_equal(run_once(&crew, 4, 100), 0);
	/* They fall asleep meanwhile, and hold a lock at that moment. */
	for (int i = 0; i < 40; i++) {
		const pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			alarm(60);
			_exit(use_copy(&crew) == 0 ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &ended, 0), child);
		assert_true(WIFEXITED(ended) && WEXITSTATUS(ended) == 0);
		if (i % 4 == 0)
			assert_int_equal(run_once(&crew, 4, 100), 0);
	}
	quire_crew_destroy(&crew);
}

#ifdef __linux__

struct cpus {
	cpu_set_t expected;
	atomic_int differ;
};

static void compare_cpus(void *context, size_t worker, size_t item)
{
	struct cpus *cpus = context;
	cpu_set_t set;

	(void)worker;
	(void)item;
	if (sched_getaffinity(0, sizeof(set), &set) != 0 ||
	    !CPU_EQUAL(&set, &cpus->expected))
		atomic_fetch_add(&cpus->differ, 1);
	for (volatile int i = 0; i < 20000; i++)
		;
}

/* A worker that was asleep is kept off its caller's CPU until it runs, and not
 * longer. */
static void test_cpus_are_kept(void **state)
{
	struct cpus cpus;
	struct crew crew;

	(void)state;
	atomic_init(&cpus.differ, 0);
	assert_int_equal(
	    sched_getaffinity(0, sizeof(cpus.expected), &cpus.expected), 0);
	assert_int_equal(quire_crew_init(&crew, 2, NULL, NULL), QUIRE_OK);
	for (int i = 0; i < 50; i++) {
		for (int j = 0; j < 5; j++)
			quire_crew_run(&crew, 2, 20, compare_cpus, &cpus);
		quire_clock_sleep(0.001);
	}
	quire_crew_destroy(&crew);
	assert_int_equal(atomic_load(&cpus.differ), 0);
}

#define K 1024
#define N 512
#define M 4

/* Keeps one CPU from everybody else, again and again. */
struct hog {
	struct thread thread;
	int cpu;
	atomic_bool stop;
};

static void keep_cpu(void *context)
{
	const struct sched_param most = {
		.sched_priority = sched_get_priority_max(SCHED_FIFO)
	};
	struct hog *hog = context;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)hog->cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	/* Without the right to it, it competes like any other program. */
	(void)sched_setscheduler(0, SCHED_FIFO, &most);
	while (!atomic_load(&hog->stop)) {
		const double start = quire_clock_seconds();

		while (quire_clock_seconds() - start < 0.02)
			;
		quire_clock_sleep(0.002);
	}
}

/* Again and again for so many seconds, at least once. */
static void multiply(uint32_t threads, const quire_tensor *tensor,
		     const float *x, float *y, double seconds)
{
	const quire_runtime_options how = { .device = QUIRE_DEVICE_CPU,
					    .threads = threads };
	const double start = quire_clock_seconds();
	quire_runtime *runtime;

	assert_int_equal(quire_runtime_create(&how, &runtime, NULL), QUIRE_OK);
	product_use_all_threads(runtime);
	do {
		memset(y, 0xFF, sizeof(*y) * M * N);
		assert_int_equal(
		    quire_matmul(runtime, tensor, x, M, y, NULL, NULL),
		    QUIRE_OK);
	} while (quire_clock_seconds() - start < seconds);
	quire_runtime_free(runtime);
}

/* Half of the CPUs are hogged, so that a worker that has begun there is stopped
 * in the middle of its product. */
static void test_threads_that_lose_their_cpu(void **state)
{
	static float weights[N * K], x[M * K], expected[M * N], y[M * N];
	const quire_tensor tensor = { .name = { "w", 1 },
				      .dtype = QUIRE_F32,
				      .rank = 2,
				      .shape = { K, N, 1, 1 },
				      .size = sizeof(weights),
				      .data = weights };
	struct hog hogs[8];
	size_t count = 0;
	cpu_set_t set;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	const int allowed = CPU_COUNT(&set);

	for (int cpu = CPU_SETSIZE - 1; cpu > 0; cpu--)
		if (count < 8 && (int)count < allowed / 2 &&
		    CPU_ISSET((size_t)cpu, &set))
			hogs[count++].cpu = cpu;
	for (size_t i = 0; i < N * K; i++)
		weights[i] = (float)(i % 19) - 9;
	for (size_t i = 0; i < M * K; i++)
		x[i] = (float)(i % 17) - 8;
	multiply(1, &tensor, x, expected, 0);
	for (size_t i = 0; i < count; i++) {
		atomic_init(&hogs[i].stop, false);
		assert_true(
		    quire_thread_start(&hogs[i].thread, keep_cpu, &hogs[i]));
	}
	multiply((uint32_t)allowed + 1, &tensor, x, y, 0.5);
	assert_memory_equal(y, expected, sizeof(y));
	multiply(2, &tensor, x, y, 0.5);
	assert_memory_equal(y, expected, sizeof(y));
	for (size_t i = 0; i < count; i++) {
		atomic_store(&hogs[i].stop, true);
		quire_thread_join(&hogs[i].thread);
	}
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_callers_at_once),
		cmocka_unit_test(test_short_lives),
		cmocka_unit_test(test_threads_that_never_begin),
#ifdef __linux__
		cmocka_unit_test(test_cpus_are_kept),
		cmocka_unit_test(test_threads_that_lose_their_cpu),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
