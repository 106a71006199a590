/*
 * test_tokenizer.c - small tokenizers in a folder: what becomes of them for
 * llama.cpp, and what is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/llama/tokenizer.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

/* A byte-level BPE of four bytes and two merges, and an added token. */
#define BPE                                                                    \
	"{\"added_tokens\": [{\"id\": 6, \"content\": \"<|end|>\", "           \
	"\"special\": true}, {\"id\": 7, \"content\": \"tool\", "              \
	"\"special\": false}], \"normalizer\": null, "                         \
	"\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": ["     \
	"{\"type\": \"Digits\", \"individual_digits\": true}, {\"type\": "     \
	"\"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, " \
	"\"use_regex\": true}]}, \"post_processor\": null, \"model\": "        \
	"{\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"c\": 2, "       \
	"\"d\": 3, \"ab\": 4, \"abc\": 5}, \"merges\": [\"a b\", \"ab "        \
	"c\"]}}"

static char *folder;

static int make_folder(void **state)
{
	(void)state;
	folder = scratch_make();
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	scratch_remove(folder);
	return 0;
}

static void check_token(const struct tokenizer *tokenizer, size_t id,
			const char *text, enum token_type type)
{
	assert_int_equal(tokenizer->tokens[id].size, strlen(text));
	assert_memory_equal(tokenizer->tokens[id].data, text, strlen(text));
	assert_int_equal(tokenizer->types[id], type);
}

static void test_bpe(void **state)
{
	const struct tokenizer_options options = { .rows = 10 };
	struct tokenizer *tokenizer;

	(void)state;
	scratch_write_in(folder, "tokenizer.json", BPE);
	assert_int_equal(
	    quire_tokenizer_read(folder, &options, &tokenizer, NULL), QUIRE_OK);
	assert_string_equal(tokenizer->model, "gpt2");
	assert_string_equal(tokenizer->pre, "smollm");
	assert_int_equal(tokenizer->token_count, 10);
	check_token(tokenizer, 0, "a", TOKEN_NORMAL);
	check_token(tokenizer, 5, "abc", TOKEN_NORMAL);
	check_token(tokenizer, 6, "<|end|>", TOKEN_CONTROL);
	check_token(tokenizer, 7, "tool", TOKEN_USER_DEFINED);
	check_token(tokenizer, 8, "[PAD8]", TOKEN_UNUSED);
	check_token(tokenizer, 9, "[PAD9]", TOKEN_UNUSED);
	assert_int_equal(tokenizer->merge_count, 2);
	assert_string_equal(tokenizer->merges[0].data, "a b");
	assert_string_equal(tokenizer->merges[1].data, "ab c");
	assert_null(tokenizer->scores);
	quire_tokenizer_free(tokenizer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bpe, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
