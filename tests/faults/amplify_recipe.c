/*
 * amplify_recipe.c - recipes with as many items, tags and patterns as fit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/recipe/recipe.h"
#include "tests/faults/amplify.h"

static quire_status parse_recipe(const struct text *text, struct recipe *recipe,
				 quire_error *error)
{
	return quire_recipe_parse("r", text->bytes, text->size, recipe, error);
}

void test_recipe_memory(void **state)
{
	static const char *const items[] = { "a,", "[],", "{},", "'',",
					     "? a\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		struct text text = { 0 };
		struct recipe recipe;

		put_text(&text, i == 4 ? "" : "take: [");
		while (text.size < 4000000)
			put_text(&text, items[i]);
		watch();
		if (parse_recipe(&text, &recipe, NULL) == QUIRE_OK)
			quire_recipe_free(&recipe);
		check_memory("a recipe", text.size, 16);
		free(text.bytes);
	}
}

/* libyaml compares each with all before it. */
void test_tags(void **state)
{
	struct text text = { 0 };
	struct recipe recipe;
	quire_error error;
	const clock_t start = clock();

	(void)state;
	for (size_t i = 0; text.size < 4000000; i++) {
		char line[40];

		snprintf(line, sizeof(line), "%%TAG !t%zu! !\n", i);
		put_text(&text, line);
	}
	put_text(&text, "---\n{}\n");
	assert_int_equal(parse_recipe(&text, &recipe, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "%TAG"));
	assert_true(seconds_since(start) < 5);
	count_input();
	free(text.bytes);
}

/* The longest patterns and names: 1,000 x 20 took 7.6 s. */
void test_patterns(void **state)
{
	struct text text = { 0 };
	struct recipe recipe;
	char name[QUIRE_PATTERN_TEXT_MAX + 1];
	clock_t start;

	(void)state;
	put_text(&text, "leave:\n");
	for (size_t i = 0; i < 1000; i++) {
		put_text(&text, "- '");
		for (size_t k = 0; k < 127; k++)
			put_text(&text, "*a");
		put_text(&text, "b'\n");
	}
	assert_int_equal(parse_recipe(&text, &recipe, NULL), QUIRE_OK);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	start = clock();
	for (size_t i = 0; i < 20; i++)
		assert_false(quire_recipe_leaves(&recipe, name));
	printf("1,000 patterns x 20 names: %.2f s\n", seconds_since(start));
	assert_true(seconds_since(start) < 7);
	assert_int_equal(
	    quire_recipe_check_work(&recipe, 20 * sizeof(name), 20, NULL),
	    QUIRE_OK);
	assert_int_equal(
	    quire_recipe_check_work(&recipe, (uint64_t)1 << 31, 1 << 20, NULL),
	    QUIRE_ERROR_ARGUMENT);
	assert_int_equal(
	    quire_recipe_check_work(&recipe, UINT64_MAX, 1 << 20, NULL),
	    QUIRE_ERROR_ARGUMENT);
	count_input();
	count_input();
	quire_recipe_free(&recipe);
	free(text.bytes);
}
