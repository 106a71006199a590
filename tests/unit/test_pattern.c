/*
 * test_pattern.c - which names a pattern matches, what it keeps of them, and
 * that every pattern matches in bounded time.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "convert/recipe/recipe.h"
#include "tests/support/check.h"

static const struct match {
	const char *pattern;
	const char *text;
	bool matches;
} matches[] = {
	{ "a", "a", true },
	{ "a", "ab", false },
	{ "ab", "a", false },
	{ "*", "", true },
	{ "*", "a.b/c", true },
	{ "a*", "a", true },
	{ "*a", "ba", true },
	{ "*a", "ab", false },
	{ "a*b*c", "a.b.b.c", true },
	{ "a*b*c", "a.c.b", false },
	{ "?", "", false },
	{ "?", "a", true },
	{ "?", "\xc3\xa4", true },
	{ "a?c",
	  "a\xe2\x82\xac"
	  "c",
	  true },
	{ "??", "\xc3\xa4", false },
	{ "{n}", "12", true },
	{ "{n}", "", false },
	{ "{n}", "1.2", false },
	{ "{n}", "1/2", false },
	{ "l.{n}.w", "l.0.w", true },
	{ "l.{n}.w", "l..w", false },
	{ "l.{n}.w", "l.0.1.w", false },
	{ "{a}{b}", "x", false },
	{ "{a}{b}", "xy", true },
	{ "*{a}b", "ccbab", true },
	{ "*.{a}", "x.y.z", true },
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "\\{n\\}", "{n}", true },
	{ "\\\\", "\\", true },
	{ "\\?", "?", true },
};

static void parse(struct pattern *pattern, const char *text,
		  struct arena *arena)
{
	const char *problem;

	assert_true(
	    quire_pattern_parse(pattern, text, strlen(text), arena, &problem));
}

static void test_matches(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		const struct match *row = &matches[i];
		struct pattern pattern;

		parse(&pattern, row->pattern, &arena);
		if (quire_pattern_matches(&pattern, row->text) != row->matches)
			fail_msg("'%s' and '%s'", row->pattern, row->text);
	}
	quire_arena_free(&arena);
}

static const struct fill {
	const char *from;
	const char *to;
	const char *text;
	const char *expected;
} fills[] = {
	{ "l.{n}.w", "blk.{n}.w", "l.12.w", "blk.12.w" },
	{ "{a}.{b}", "{b}.{a}.{b}", "x.yz", "yz.x.yz" },
	{ "{a}{b}", "{b}|{a}", "xyz", "yz|x" },
	{ "*{a}*", "{a}", "..xy.", "x" },
	{ "*_{a}", "{a}", "p_q_r", "q_r" },
	{ "?{a}", "{a}",
	  "\xe2\x82\xac"
	  "uro",
	  "uro" },
	{ "a*", "fixed", "abc", "fixed" },
	{ "{n}", "\\{{n}\\}\\*", "7", "{7}*" },
};

static void test_fills(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(fills) / sizeof(fills[0]); i++) {
		const struct fill *row = &fills[i];
		struct pattern from, to;
		const char *problem;
		char *filled;

		parse(&from, row->from, &arena);
		assert_true(quire_pattern_parse_template(
		    &to, row->to, strlen(row->to), &from, &arena, &problem));
		assert_true(quire_pattern_matches(&from, row->text));
		filled = quire_pattern_fill(&to, &from, row->text);
		assert_string_equal(filled, row->expected);
		free(filled);
	}
	quire_arena_free(&arena);
}

static const struct refusal {
	const char *from;
	const char *to; /* NULL: the pattern is wrong */
	const char *problem;
} refusals[] = {
	{ "", NULL, "empty" },
	{ "a\\", NULL, "\\ without" },
	{ "\\a", NULL, "\\ without" },
	{ "{n", NULL, "{ without" },
	{ "n}", NULL, "} without" },
	{ "{}", NULL, "a name of" },
	{ "{a b}", NULL, "a name of" },
	{ "{n}.{n}", NULL, "twice" },
	{ "{n}", "", "empty" },
	{ "{n}", "{m}", "the pattern lacks" },
	{ "{n}", "a*", "no * and no ?" },
	{ "{n}", "a?", "no * and no ?" },
};

static void test_refusals(void **state)
{
	struct arena arena = { 0 };
	char many[300];

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *row = &refusals[i];
		struct pattern from, to;
		const char *problem;
		bool good = quire_pattern_parse(
		    &from, row->from, strlen(row->from), &arena, &problem);

		assert_int_equal(good, row->to != NULL);
		if (good)
			assert_false(quire_pattern_parse_template(
			    &to, row->to, strlen(row->to), &from, &arena,
			    &problem));
		if (!problem || !strstr(problem, row->problem))
			fail_msg("'%s' to '%s': %s", row->from,
				 row->to ? row->to : "", problem);
	}
	memset(many, 'a', sizeof(many));
	for (size_t size = 256; size <= 257; size++) {
		struct pattern pattern;
		const char *problem;

		assert_int_equal(
		    quire_pattern_parse(&pattern, many, size, &arena, &problem),
		    size == 256);
	}
	quire_arena_free(&arena);
}

/* A matcher that backtracks would not end: 127 stars. */
static void test_worst_case(void **state)
{
	struct arena arena = { 0 };
	struct pattern pattern;
	char text[257], name[QUIRE_PATTERN_TEXT_MAX + 2];
	const clock_t started = clock();

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "*a", 2);
	text[254] = 'b';
	text[255] = '\0';
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 2] = '\0';
	parse(&pattern, text, &arena);
	for (int i = 0; i < 10; i++)
		assert_false(quire_pattern_matches(&pattern, name));
	assert_true(clock() - started < 10 * CLOCKS_PER_SEC);
	/* Only a lone * matches a longer name. */
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	parse(&pattern, "*a", &arena);
	assert_false(quire_pattern_matches(&pattern, name));
	parse(&pattern, "*", &arena);
	assert_true(quire_pattern_matches(&pattern, name));
	quire_arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_fills),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_worst_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
