/*
 * test_cpu.c - what we read of the CPU agrees with what the compiler's own
 * library reads, and with itself.
 */
#include "base/cpu.h"
#include "tests/support/check.h"

static void test_is_constant(void **state)
{
	(void)state;
	assert_int_equal(quire_cpu_features(), quire_cpu_features());
	assert_true(quire_cpu_count() >= 1);
}

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
		cmocka_unit_test(test_agrees_with_compiler),
		cmocka_unit_test(test_is_consistent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
