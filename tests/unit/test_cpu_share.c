/*
 * test_cpu_share.c - how many threads products get beside other programs: by
 * looks that are made up, by two programs that see each other, and by the load
 * of this machine.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu_limits.h"
#include "base/thread.h"
#include "runtime/cpu_share.h"
#include "runtime/runtime.h"
#include "tests/support/check.h"

#define PERIOD 6e-3 /* between looks that are made up */

static void test_parse(void **state)
{
	static const char *const refused[] = {
		"",
		"0.20",
		"0.20 0.18 0.12",
		"0.20 0.18 0.12 ",
		"0.20 0.18 0.12 3",
		"0.20 0.18 0.12 3 80",
		"0.20 0.18 0.12 /80 1",
		"0.20 0.18 0.12 -3/80 1",
		"0.20 0.18 3/80 11206",
		"a b c 3/80 11206",
		"0.20 0.18 0.12 12345678901/80 1",
		"0.20\n0.18 0.12 3/80 1",
	};

	(void)state;
	assert_int_equal(quire_cpu_load_parse("0.20 0.18 0.12 3/80 11206\n"),
			 3);
	assert_int_equal(quire_cpu_load_parse("99.00 128.18 0.12 512/4096 1\n"),
			 512);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		assert_int_equal(quire_cpu_load_parse(refused[i]), 0);
}

/* Without a counter: looks are made up. */
static struct cpu_share made_up(uint32_t cpus)
{
	struct cpu_share share;

	quire_cpu_share_init(&share);
	quire_cpu_share_destroy(&share);
	share.cpus = share.allowed = cpus;
	atomic_store(&share.unused, cpus);
	return share;
}

/* `count` looks that see `others`. */
static void note(struct cpu_share *share, double *now, uint32_t others,
		 int count)
{
	for (int i = 0; i < count; i++) {
		*now += PERIOD;
		quire_cpu_share_note(share, *now, others);
	}
}

static void test_unused(void **state)
{
	struct cpu_share share = made_up(8);
	double now = 100;

	(void)state;
	assert_int_equal(quire_cpu_share_divide(&share, 8, false), 8);
	/* Other threads that run at every look keep their CPUs. */
	note(&share, &now, 3, QUIRE_CPU_SHARE_LOOKS);
	assert_int_equal(quire_cpu_share_divide(&share, 8, false), 5);
	assert_int_equal(quire_cpu_share_divide(&share, 8, true), 5);
	assert_int_equal(quire_cpu_share_divide(&share, 4, false), 4);
	assert_int_equal(quire_cpu_share_divide(&share, 1, false), 1);
	/* One look without them is enough, */
	note(&share, &now, 0, 1);
	assert_int_equal(quire_cpu_share_divide(&share, 8, false), 8);
	/* until it is forgotten. */
	note(&share, &now, 7, QUIRE_CPU_SHARE_LOOKS - 1);
	assert_int_equal(quire_cpu_share_divide(&share, 8, false), 8);
	note(&share, &now, 7, 1);
	assert_int_equal(quire_cpu_share_divide(&share, 8, false), 1);
	/* What was seen before a long pause does not count. */
	now += 10;
	note(&share, &now, 7, 1);
	assert_int_equal(quire_cpu_share_divide(&share, 8, false), 8);
	/* Looks that are far apart because products take long do. */
	for (int i = 0; i < QUIRE_CPU_SHARE_LOOKS; i++) {
		now += 10;
		atomic_store(&share.ended, now);
		note(&share, &now, 7, 1);
	}
	assert_int_equal(quire_cpu_share_divide(&share, 8, false), 1);
}

static void test_no_more_than_cpus(void **state)
{
	struct cpu_share share = made_up(8);

	(void)state;
	assert_int_equal(quire_cpu_share_divide(&share, 100, false), 8);
	share.allowed = 3;
	assert_int_equal(quire_cpu_share_divide(&share, 100, false), 3);
	assert_int_equal(quire_cpu_share_divide(&share, 2, true), 2);
	/* Where nothing is known of others. */
	assert_int_equal(quire_cpu_share_threads(&share, 100, 1, true), 3);
}

/* Beside as many endless loops as CPUs: brief products alone; longer ones with
 * all threads, but for a few looks each time. */
static void test_full(void **state)
{
	struct cpu_share share = made_up(4);
	double now = 100;
	int yielded = 0, all = 0;

	(void)state;
	note(&share, &now, 4, QUIRE_CPU_SHARE_LOOKS);
	for (int i = 0; i < 10000; i++) { /* a minute */
		assert_int_equal(quire_cpu_share_divide(&share, 4, true), 1);
		if (quire_cpu_share_divide(&share, 4, false) == 2)
			yielded++;
		else if (quire_cpu_share_divide(&share, 4, false) == 4)
			all++;
		note(&share, &now, 4 + (uint32_t)i % 3, 1);
	}
	assert_int_equal(yielded + all, 10000);
	/* After 0.25, 0.75, 1.75, 3.75, 7.75, 15.75 seconds, and each 8. */
	assert_in_range(yielded, 9 * QUIRE_CPU_SHARE_LOOKS,
			13 * QUIRE_CPU_SHARE_LOOKS);
	note(&share, &now, 0, 1);
	assert_int_equal(quire_cpu_share_divide(&share, 4, false), 4);
}

/* Two programs with all threads each, that look at different times: soon each
 * has a half, and keeps it; and when one ends, the other has all. */
static void test_two_programs(void **state)
{
	(void)state;
	for (uint32_t cpus = 2; cpus <= 16; cpus += 2)
		for (int late = 0; late < 50; late++) {
			struct cpu_share a = made_up(cpus), b = made_up(cpus);
			uint32_t of_a = cpus, of_b = 0;
			double now = 100;

			for (int i = 0; i < 200; i++) {
				now += PERIOD / 2;
				quire_cpu_share_note(&a, now, of_b);
				of_a = quire_cpu_share_divide(&a, cpus, false);
				if (i < late)
					continue;
				now += PERIOD / 2;
				quire_cpu_share_note(&b, now, of_a);
				of_b = quire_cpu_share_divide(&b, cpus, false);
			}
			assert_int_equal(of_a, cpus / 2);
			assert_int_equal(of_b, cpus / 2);
			for (int i = 0; i < 2; i++)
				note(&a, &now, 0, 1);
			assert_int_equal(
			    quire_cpu_share_divide(&a, cpus, false), cpus);
		}
}

/* --------------------------------------------------------- of this machine */

struct hog {
	struct thread thread;
	atomic_bool stop;
};

static void run_hog(void *context)
{
	struct hog *hog = context;

	while (!atomic_load(&hog->stop))
		;
}

/* As many endless loops as CPUs are seen by products. */
static void test_machine(void **state)
{
	enum {
		HOGS_MAX = 64,
		SIZE = 640 /* enough for two threads */
	};
	static float weights[SIZE * SIZE], x[SIZE], y[SIZE];
	static struct hog hogs[HOGS_MAX];
	const quire_tensor tensor = { .name = { "w", 1 },
				      .dtype = QUIRE_F32,
				      .rank = 2,
				      .shape = { SIZE, SIZE, 1, 1 },
				      .size = sizeof(weights),
				      .data = weights };
	const quire_runtime_options how = { .device = QUIRE_DEVICE_CPU,
					    .threads = 2 };
	const struct cpu_limits limits = quire_cpu_limits();
	quire_runtime *runtime;
	double start;

	(void)state;
	if (limits.count < 2 || limits.online > HOGS_MAX)
		skip();
	assert_int_equal(quire_runtime_create(&how, &runtime, NULL), QUIRE_OK);
	if (quire_cpu_load_read(&runtime->share.load) == 0) {
		quire_runtime_free(runtime);
		skip();
	}
	for (uint32_t i = 0; i < limits.online; i++) {
		atomic_init(&hogs[i].stop, false);
		assert_true(
		    quire_thread_start(&hogs[i].thread, run_hog, &hogs[i]));
	}
	start = quire_clock_seconds();
	while (atomic_load(&runtime->share.unused) > 0 &&
	       quire_clock_seconds() - start < 60)
		assert_int_equal(
		    quire_matmul(runtime, &tensor, x, 1, y, NULL, NULL),
		    QUIRE_OK);
	assert_int_equal(atomic_load(&runtime->share.unused), 0);
	for (uint32_t i = 0; i < limits.online; i++) {
		atomic_store(&hogs[i].stop, true);
		quire_thread_join(&hogs[i].thread);
	}
	quire_runtime_free(runtime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_no_more_than_cpus),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_two_programs),
		cmocka_unit_test(test_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
