/*
 * test_tokenizer_memory.c - each allocation of a tokenizer's reader fails once:
 * it must report that there is no memory, and leave no bytes behind.
 */
#include <string.h>

#include "convert/llama/tokenizer.h"
#include "tests/support/check.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/scratch.h"
#include "tests/unit/tokenizer_sample.h"

/* Reads with allocation `at` failing. false: it was not reached. */
static bool fail_once(const char *folder, long at)
{
	const struct tokenizer_options options = { .rows = 300 };
	const size_t held = failing_malloc_held();
	struct tokenizer *tokenizer = NULL;
	quire_error error = { .status = QUIRE_OK };
	quire_status status;
	bool reached;

	failing_malloc_arm(at);
	status = quire_tokenizer_read(folder, &options, &tokenizer, &error);
	reached = failing_malloc_disarm();
	/* Where Jansson is linked as a static library its allocations fail,
	 * too, and for some it says that the text is not JSON. */
	if (status != (reached ? QUIRE_ERROR_MEMORY : QUIRE_OK) &&
	    !(reached && strncmp(error.message, "line ", 5) == 0))
		fail_msg("allocation %ld: %s: %s", at,
			 quire_status_name(status), error.message);
	assert_int_equal(tokenizer == NULL, reached);
	quire_tokenizer_free(tokenizer);
	assert_int_equal(failing_malloc_held(), held);
	return reached;
}

static void check(const char *const parts[PART_COUNT])
{
	char *folder = scratch_make();
	long at = 0;

	sample_write(folder, parts);
	while (fail_once(folder, at))
		at++;
	assert_true(at > 10);
	scratch_remove(folder);
}

static void test_bytes(void **state)
{
	const char *parts[PART_COUNT];

	(void)state;
	memcpy(parts, sample_bytes, sizeof(parts));
	parts[TEMPLATE] = "{{ messages }}";
	check(parts);
}

static void test_pieces(void **state)
{
	const char *parts[PART_COUNT];

	(void)state;
	memcpy(parts, sample_pieces, sizeof(parts));
	parts[MODEL] = sample_pieces_model(PIECES, PIECE_MERGES);
	check(parts);
}

static void test_words(void **state)
{
	(void)state;
	check(sample_words);
}

static void test_unigram(void **state)
{
	(void)state;
	check(sample_unigram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_unigram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
