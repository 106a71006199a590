/*
 * test_match_entries.c - which line of a list is about which file.
 */
#include "cli/verify/match_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "cli/verify/match_path.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define DIGITS "0123456789abcdef"

/* In place of the command's own functions, which print. */
int trouble(const char *format, ...)
{
	(void)format;
	return EXIT_TROUBLE;
}

int trouble_memory(void)
{
	return EXIT_TROUBLE;
}

static size_t score(const char *a, const char *b)
{
	const size_t there = match_path_score(text_of(a), text_of(b));

	assert_int_equal(match_path_score(text_of(b), text_of(a)), there);
	return there;
}

static void test_scores(void **state)
{
	(void)state;
	assert_true(score("a", "a") == MATCH_EQUAL);
	assert_true(score("./a//b/./c", "a/b/c") == MATCH_EQUAL);
	assert_true(score("/a/b", "//a/b") == MATCH_EQUAL);
	assert_true(score("a/", "a") == MATCH_EQUAL);
	assert_int_equal(score("/a/b", "a/b"), 2);
	assert_int_equal(score("x/a/b", "y/a/b"), 2);
	assert_int_equal(score("b", "y/a/b"), 1);
	assert_int_equal(score("../a/b", "a/b"), 2);
	assert_int_equal(score("ab", "b"), 0);
	assert_int_equal(score("b", "a"), 0);
}

struct matched {
	char *folder;
	struct manifest manifest;
	quire_status status;
	quire_error error;
};

/* Matches a list with files, which end with NULL; their words are 0, 1 and so
 * on. */
static struct matched match(const char *list, const char *const *paths)
{
	struct matched matched = { .folder = scratch_make() };
	struct match_files files = { .count = 0 };
	char *path = scratch_path(matched.folder, "list");

	scratch_write(path, list, strlen(list));
	assert_true(manifest_read(&matched.manifest, path));
	for (size_t i = 0; paths[i]; i++)
		assert_int_equal(match_files_add(&files, paths[i], i, 0, NULL),
				 QUIRE_OK);
	matched.status =
	    match_entries(&files, &matched.manifest, &matched.error);
	match_files_free(&files);
	free(path);
	return matched;
}

static void matched_free(struct matched *matched)
{
	manifest_free(&matched->manifest);
	scratch_remove(matched->folder);
}

static void check(const struct matched *matched, size_t entry, size_t word,
		  const char *tensor)
{
	const struct manifest_entry *found = &matched->manifest.entries[entry];

	assert_int_equal(matched->status, QUIRE_OK);
	assert_true(found->claimed);
	assert_int_equal(found->word, word);
	if (!tensor) {
		assert_null(found->tensor);
		return;
	}
	assert_non_null(found->tensor);
	assert_string_equal(found->tensor, tensor);
}

static void test_tails(void **state)
{
	static const char list[] = DIGITS "  a/m\n" DIGITS "  b/m\n" DIGITS
					  "  c/b/m\n" DIGITS "  nowhere/n\n";
	static const char *const paths[] = { "x/c/b/m", "b/m", "z/m", NULL };
	struct matched matched = match(list, paths);

	(void)state;
	check(&matched, 0, 2, NULL); /* what is left over */
	check(&matched, 1, 1, NULL);
	check(&matched, 2, 0, NULL);
	assert_false(matched.manifest.entries[3].claimed);
	matched_free(&matched);
}

/* Colons and slashes in names of files and of tensors. */
static void test_cuts(void **state)
{
	static const char list[] = "xxh3      " DIGITS "  m:a:b\n"
				   "xxh3      " DIGITS "  m\n"
				   "xxh3      " DIGITS "  a:b:c/d:e\n"
				   "xxh3      " DIGITS "  m:x/m\n"
				   "xxh3-header  " DIGITS "  m:a\n";
	static const char *const paths[] = { "p/m", "a:b", NULL };
	struct matched matched = match(list, paths);

	(void)state;
	check(&matched, 0, 0, "a:b");
	check(&matched, 1, 0, NULL);
	check(&matched, 2, 1, "c/d:e");
	check(&matched, 3, 0, "x/m");
	assert_false(matched.manifest.entries[4].claimed);
	matched_free(&matched);
}

/* A path that is printed escaped, and a file that is really so named. */
static void test_escaped(void **state)
{
	static const char list[] = DIGITS "  a\\x01b\n";
	static const char *const both[] = { "a\\x01b", "a\001b", NULL };
	static const char *const reversed[] = { "a\001b", "a\\x01b", NULL };
	static const char *const one[] = { "a\001b", NULL };
	struct matched matched = match(list, both);

	(void)state;
	check(&matched, 0, 0, NULL);
	matched_free(&matched);
	matched = match(list, reversed);
	check(&matched, 0, 1, NULL);
	matched_free(&matched);
	matched = match(list, one);
	check(&matched, 0, 0, NULL);
	matched_free(&matched);
}

/* Where a line begins with a backslash, the path is what it stands for, and
 * never the escaped name of another file. */
static void test_unescaped(void **state)
{
	static const char list[] = "\\xxh3      " DIGITS "  p/a\\x01b:t\\nu\n"
				   "\\xxh3      " DIGITS "  p/a\\\\x01b:t\n"
				   "xxh3      " DIGITS "  plain:t\n";
	static const char *const both[] = { "q/a\001b", "q/a\\x01b", "plain",
					    NULL };
	static const char *const reversed[] = { "plain", "q/a\\x01b",
						"q/a\001b", NULL };
	static const char *const one[] = { "a\001b", NULL };
	static const char *const other[] = { "a\\x01b", NULL };
	struct matched matched = match(list, both);

	(void)state;
	check(&matched, 0, 0, "t\nu");
	check(&matched, 1, 1, "t");
	check(&matched, 2, 2, "t");
	matched_free(&matched);
	matched = match(list, reversed);
	check(&matched, 0, 2, "t\nu");
	check(&matched, 1, 1, "t");
	check(&matched, 2, 0, "t");
	matched_free(&matched);
	matched = match(list, one);
	check(&matched, 0, 0, "t\nu");
	assert_false(matched.manifest.entries[1].claimed);
	matched_free(&matched);
	matched = match(list, other);
	check(&matched, 1, 0, "t");
	assert_false(matched.manifest.entries[0].claimed);
	matched_free(&matched);
}

#define NAME_SIZE     4
#define ALPHABET_SIZE 12

/* The name with that number: up to 4 bytes that escapes are made of, or that
 * take one. */
static quire_string make_name(char bytes[NAME_SIZE], size_t number)
{
	static const char alphabet[ALPHABET_SIZE + 1] =
	    "\\x0anr\n\r\xff\xc3\xa9:";
	const size_t base = ALPHABET_SIZE + 1; /* 0: no byte */
	size_t size = 0;

	for (; number > 0 && size < NAME_SIZE; number /= base)
		if (number % base > 0)
			bytes[size++] = alphabet[number % base - 1];
	return (quire_string){ bytes, size };
}

/* Names are read as they were, however they are written. */
static void test_written_names(void **state)
{
	struct matched matched = { .folder = scratch_make() };
	char *path = scratch_path(matched.folder, "list");
	const size_t numbers = 13 * 13 * 13 * 13;
	FILE *list = fopen(path, "wb");
	char bytes[NAME_SIZE];
	size_t lines = 0;

	(void)state;
	assert_non_null(list);
	for (size_t i = 0; i < numbers; i++) {
		const quire_string name = make_name(bytes, i);

		if (name.size == 0)
			continue;
		fputs(text_is_plain(name) ? "" : "\\", list);
		fputs("xxh3      " DIGITS "  ", list);
		text_print_exact(list, name);
		putc('\n', list);
	}
	assert_int_equal(fclose(list), 0);
	assert_true(manifest_read(&matched.manifest, path));
	for (size_t i = 0; i < numbers; i++) {
		const quire_string name = make_name(bytes, i);

		if (name.size == 0)
			continue;
		assert_true(lines < matched.manifest.count);
		assert_true(
		    text_equal(name, matched.manifest.entries[lines++].name));
	}
	assert_int_equal(matched.manifest.count, lines);
	free(path);
	matched_free(&matched);
}

static void test_ambiguous(void **state)
{
	static const char *const one[] = { "m", NULL };
	static const char *const two[] = { "a/m", "b/m", NULL };
	struct matched matched = match(DIGITS "  x/m\n" DIGITS "  y/m\n", one);

	(void)state;
	assert_int_equal(matched.status, QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(matched.error.message, "'x/m' in line 1"));
	assert_non_null(strstr(matched.error.message, "'y/m' in line 2"));
	matched_free(&matched);
	matched = match(DIGITS "  x/m\n", two);
	assert_int_equal(matched.status, QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(matched.error.message, "'a/m'"));
	assert_non_null(strstr(matched.error.message, "'b/m'"));
	matched_free(&matched);
	/* The same path twice is one path. */
	matched = match(DIGITS "  x/m\n" DIGITS "  x/m\n", one);
	check(&matched, 0, 0, NULL);
	check(&matched, 1, 0, NULL);
	matched_free(&matched);
}

/* Lines made to be slow: each is as long as a line may be and has as many
 * beginnings that may be a file as fit. The test's time limit is the check. */
static void test_hostile(void **state)
{
	static const char *const paths[] = { "m", NULL };
	const size_t lines = 200, size = 16000;
	char *list = malloc(lines * (size + 1) + 1), *at = list;
	struct matched matched;

	(void)state;
	assert_non_null(list);
	for (size_t i = 0; i < lines; i++) {
		char *end = at + size;

		at += sprintf(at, "xxh3      " DIGITS "  %zu", i);
		while (at < end - 250) {
			*at++ = '/';
			*at++ = '.';
		}
		for (size_t k = 0; at < end; k++)
			*at++ = "/m:"[k % 3];
		*at++ = '\n';
	}
	*at = '\0';
	matched = match(list, paths);
	assert_int_equal(matched.manifest.count, lines);
	matched_free(&matched);
	free(list);
}

static void check_digest(enum digest_kind kind, const char *text,
			 const char *expected)
{
	struct digest *digest = NULL;
	char actual[DIGEST_CAPACITY];
	quire_error error;

	assert_int_equal(digest_create(kind, &digest, &error), QUIRE_OK);
	for (; *text; text++)
		digest_update(digest, text, 1);
	assert_int_equal(digest_finish(digest, actual, &error), QUIRE_OK);
	assert_string_equal(actual, expected);
	digest_free(digest);
}

/* SHA-256: FIPS 180-2, B.1 and the empty text. The others: by the programs
 * xxhsum -H1 and -H3. */
static void test_digests(void **state)
{
	(void)state;
	check_digest(
	    DIGEST_SHA256, "abc",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_digest(
	    DIGEST_SHA256, "",
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_digest(DIGEST_XXH64, "abc", "44bc2cf5ad770999");
	check_digest(DIGEST_XXH3, "abc", "78af5f94892f3950");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_escaped),
		cmocka_unit_test(test_unescaped),
		cmocka_unit_test(test_written_names),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
