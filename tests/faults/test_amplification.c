/*
 * test_amplification.c - small inputs that would take much memory, time or
 * disk. Each is refused, or used within the bounds that its test states.
 */
#include "tests/faults/amplify.h"

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gguf),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_of_copies),
		cmocka_unit_test(test_empty_messages),
		cmocka_unit_test(test_overlapping_ranges),
		cmocka_unit_test(test_shared_codes),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_many_calls),
		cmocka_unit_test(test_recipe_memory),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_manifests),
		cmocka_unit_test(test_npy),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	print_totals();
	return failed;
}
