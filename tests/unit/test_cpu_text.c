/*
 * test_cpu_text.c - what the command says about the number of CPUs.
 */
#include "cli/ui/cpu_text.h"
#include "tests/support/check.h"

static void check_text(uint32_t online, uint32_t allowed, uint64_t quota,
		       const char *expected)
{
	const struct cpu_limits limits =
	    quire_cpu_limits_of(online, allowed, quota);
	char text[CPU_TEXT_CAPACITY];

	assert_string_equal(cpu_text(text, &limits), expected);
}

static void test_reasons(void **state)
{
	(void)state;
	check_text(8, 8, 0, "8 of 8 CPUs");
	check_text(8, 0, 0, "8 of 8 CPUs");
	check_text(1, 1, 0, "1 of 1 CPU");
	check_text(8, 4, 0, "4 of 8 CPUs (affinity mask 4)");
	check_text(8, 8, 1500, "2 of 8 CPUs (cgroup quota 1.50)");
	check_text(8, 4, 1500,
		   "2 of 8 CPUs (affinity mask 4, cgroup quota 1.50)");
	/* The longest one fits. */
	check_text(UINT32_MAX, UINT32_MAX - 1, UINT64_MAX,
		   "4294967294 of 4294967295 CPUs (affinity mask 4294967294, "
		   "cgroup quota 18446744073709552.00)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
