/*
 * test_table.c - the table of names: scopes apart, growth, empty keys.
 */
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "tests/support/check.h"

#define COUNT 1000

static void test_scopes(void **state)
{
	struct table table = { 0 };

	(void)state;
	assert_null(quire_table_find(&table, 0, "a", 1));
	assert_int_equal(quire_table_add(&table, 0, "a", 1, 10, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_table_add(&table, 1, "a", 1, 11, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_table_add(&table, 0, "", 0, 12, NULL), QUIRE_OK);
	assert_int_equal(*quire_table_find(&table, 0, "a", 1), 10);
	assert_int_equal(*quire_table_find(&table, 1, "a", 1), 11);
	assert_int_equal(*quire_table_find(&table, 0, "", 0), 12);
	assert_null(quire_table_find(&table, 1, "", 0));
	assert_null(quire_table_find(&table, 0, "aa", 2));
	quire_table_free(&table);
}

static void test_growth(void **state)
{
	static char keys[COUNT][8];
	struct table table = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%zu", i);
		assert_int_equal(quire_table_add(&table, i % 3, keys[i],
						 strlen(keys[i]), i, NULL),
				 QUIRE_OK);
	}
	for (size_t i = 0; i < COUNT; i++) {
		const size_t *found =
		    quire_table_find(&table, i % 3, keys[i], strlen(keys[i]));

		assert_non_null(found);
		assert_int_equal(*found, i);
		assert_null(quire_table_find(&table, (i + 1) % 3, keys[i],
					     strlen(keys[i])));
	}
	quire_table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
