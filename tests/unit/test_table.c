/*
 * test_table.c - the table of keys: scopes apart, growth, empty keys; and the
 * index that it is made of, over an array of the caller's.
 */
#include <stdio.h>
#include <stdlib.h>
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

/* An array that moves as it grows, with a name twice. */
static void test_index(void **state)
{
	struct item {
		quire_string name;
		size_t more;
	};
	static char names[COUNT][8];
	struct item_index index = { .item_size = sizeof(struct item),
				    .seed = 7 };
	struct item *items = NULL;

	(void)state;
	assert_int_equal(
	    quire_item_index_find(&index, (quire_string){ "0", 1 }, 0),
	    QUIRE_NO_ITEM);
	for (size_t i = 0; i < COUNT; i++) {
		struct item *moved = malloc((i + 2) * sizeof(*moved));

		if (i > 0)
			memcpy(moved, items, i * sizeof(*moved));
		free(items);
		items = moved;
		index.items = items;
		snprintf(names[i], sizeof(names[i]), "%zu", i);
		items[i] = (struct item){ { names[i], strlen(names[i]) }, i };
		assert_int_equal(quire_item_index_reserve(&index, i + 2, NULL),
				 QUIRE_OK);
		assert_int_equal(quire_item_index_add(&index), i);
		items[i + 1] = items[i / 2];
		assert_int_equal(quire_item_index_add(&index), i / 2);
		assert_int_equal(index.count, i + 1);
	}
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(
		    quire_item_index_find(&index, items[i].name, 0), i);
	quire_item_index_free(&index);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
