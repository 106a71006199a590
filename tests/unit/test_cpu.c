/*
 * test_cpu.c - what we read of the CPU agrees with what the compiler's own
 * library reads, and with itself; and the number of CPUs with what the process
 * may use.
 */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_setaffinity */
#include <sched.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "base/cpu.h"
#include "base/cpu_limits.h"
#include "quire.h"
#include "tests/support/check.h"

static void test_is_constant(void **state)
{
	(void)state;
	assert_int_equal(quire_cpu_features(), quire_cpu_features());
	assert_true(quire_cpu_count() >= 1);
}

static void check_count(uint32_t online, uint32_t allowed, uint64_t quota,
			uint32_t count)
{
	const struct cpu_limits limits =
	    quire_cpu_limits_of(online, allowed, quota);

	assert_int_equal(limits.online, online);
	assert_int_equal(limits.allowed, allowed);
	assert_int_equal(limits.quota, quota);
	assert_int_equal(limits.count, count);
}

/* The least of the three; a quota is rounded up. */
static void test_least(void **state)
{
	(void)state;
	check_count(8, 0, 0, 8);
	check_count(8, 8, 0, 8);
	check_count(8, 4, 0, 4);
	check_count(4, 8, 0, 4);
	check_count(8, 0, 1, 1);
	check_count(8, 0, 999, 1);
	check_count(8, 0, 1000, 1);
	check_count(8, 0, 1001, 2);
	check_count(8, 0, 1500, 2);
	check_count(8, 4, 1500, 2);
	check_count(8, 4, 4000, 4);
	check_count(8, 4, 7500, 4);
	check_count(8, 0, 7001, 8);
	check_count(8, 0, UINT64_MAX, 8);
	check_count(1, 1, 1, 1);
	check_count(0, 0, 0, 1);
	check_count(UINT32_MAX, 0, UINT64_C(4294967294001), UINT32_MAX);
}

static void test_limits_of_here(void **state)
{
	const struct cpu_limits limits = quire_cpu_limits();

	(void)state;
	assert_true(limits.online >= 1);
	check_count(limits.online, limits.allowed, limits.quota, limits.count);
	assert_int_equal(quire_cpu_count(), limits.count);
}

#if defined(__linux__)

/* The least CPU of the process's mask alone, as `taskset -c` would do it. */
static bool use_one_cpu(void)
{
	cpu_set_t mask, one;

	if (sched_getaffinity(0, sizeof(mask), &mask) != 0)
		return false;
	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &mask)) {
			CPU_SET(cpu, &one);
			return sched_setaffinity(0, sizeof(one), &one) == 0;
		}
	return false;
}

/* What a child finds that may run on one CPU, as an exit code. */
static int count_on_one_cpu(void)
{
	quire_runtime *runtime = NULL;
	quire_runtime_info info;

	if (!use_one_cpu())
		return 10;
	if (quire_cpu_count() != 1 || quire_cpu_limits().allowed != 1)
		return 11;
	if (quire_runtime_create(NULL, &runtime, NULL) != QUIRE_OK)
		return 12;
	quire_runtime_describe(runtime, &info);
	quire_runtime_free(runtime);
	if (info.threads != 1)
		return 13;
	/* A number that is given stays. */
	const quire_runtime_options two = { .threads = 2 };
	if (quire_runtime_create(&two, &runtime, NULL) != QUIRE_OK)
		return 14;
	quire_runtime_describe(runtime, &info);
	quire_runtime_free(runtime);
	return info.threads == 2 ? 0 : 15;
}

static void test_affinity(void **state)
{
	cpu_set_t mask;
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(mask), &mask), 0);
	assert_int_equal(quire_cpu_limits().allowed, CPU_COUNT(&mask));
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(count_on_one_cpu());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#endif

#if defined(__x86_64__)

#define ASSERT_FEATURE(features, bit, name)                                    \
	assert_int_equal(((features) & (bit)) != 0,                            \
			 __builtin_cpu_supports(name) != 0)

static void test_agrees_with_compiler(void **state)
{
	const uint32_t features = quire_cpu_features();

	(void)state;
	__builtin_cpu_init();
	ASSERT_FEATURE(features, CPU_AVX2, "avx2");
	ASSERT_FEATURE(features, CPU_FMA, "fma");
	ASSERT_FEATURE(features, CPU_AVX512F, "avx512f");
	ASSERT_FEATURE(features, CPU_AVX512DQ, "avx512dq");
	ASSERT_FEATURE(features, CPU_AVX512BW, "avx512bw");
	ASSERT_FEATURE(features, CPU_AVX512VL, "avx512vl");
	ASSERT_FEATURE(features, CPU_AVX512VNNI, "avx512vnni");
}

/* No CPU has an extension of 512 bits without AVX512F and AVX2, or AVX-VNNI
 * without AVX2. */
static void test_is_consistent(void **state)
{
	const uint32_t wide = CPU_AVX512BW | CPU_AVX512VL | CPU_AVX512VNNI;
	const uint32_t features = quire_cpu_features();

	(void)state;
	assert_true(!(features & wide) || (features & CPU_AVX512F));
	assert_true(!(features & CPU_AVX512F) || (features & CPU_AVX2));
	assert_true(!(features & CPU_AVX_VNNI) || (features & CPU_AVX2));
	assert_int_equal(features & (CPU_NEON | CPU_DOTPROD | CPU_I8MM), 0);
}

#elif defined(__aarch64__)

static void test_agrees_with_compiler(void **state)
{
	(void)state;
	assert_true(quire_cpu_features() & CPU_NEON);
}

static void test_is_consistent(void **state)
{
	const uint32_t features = quire_cpu_features();

	(void)state;
	/* Arm requires dotprod of every CPU that has i8mm. */
	assert_true(!(features & CPU_I8MM) || (features & CPU_DOTPROD));
	assert_int_equal(features & (CPU_AVX2 | CPU_AVX512F), 0);
}

#else

static void test_agrees_with_compiler(void **state)
{
	(void)state;
	assert_int_equal(quire_cpu_features(), 0);
}

static void test_is_consistent(void **state)
{
	(void)state;
	assert_int_equal(quire_cpu_features(), 0);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_constant),
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_limits_of_here),
#if defined(__linux__)
		cmocka_unit_test(test_affinity),
#endif
		cmocka_unit_test(test_agrees_with_compiler),
		cmocka_unit_test(test_is_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
