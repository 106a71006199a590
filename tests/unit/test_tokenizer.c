/*
 * test_tokenizer.c - what becomes of small tokenizers for llama.cpp.
 */
#include <stdlib.h>
#include <string.h>

#include "convert/llama/tokenizer.h"
#include "format/value.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/unit/tokenizer_sample.h"

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

static struct tokenizer *read(const struct tokenizer_options *options)
{
	struct tokenizer *tokenizer = NULL;
	quire_error error = { .status = QUIRE_OK };

	if (quire_tokenizer_read(folder, options, &tokenizer, &error) !=
	    QUIRE_OK)
		fail_msg("%s: %s", error.path, error.message);
	return tokenizer;
}

static const struct tokenizer_options plain = { .rows = 0 };

/* ------------------------------------------------------------------ results */

static void check_token(const struct tokenizer *tokenizer, size_t id,
			const char *text, enum token_type type)
{
	assert_int_equal(tokenizer->tokens[id].size, strlen(text));
	assert_memory_equal(tokenizer->tokens[id].data, text, strlen(text));
	assert_int_equal(tokenizer->types[id], type);
}

static void test_bytes(void **state)
{
	const struct tokenizer_options options = { .rows = 11 };
	struct tokenizer *tokenizer;

	(void)state;
	sample_write(folder, sample_bytes);
	tokenizer = read(&options);
	assert_string_equal(tokenizer->model, "gpt2");
	assert_string_equal(tokenizer->pre, "smollm");
	assert_int_equal(tokenizer->token_count, 11);
	check_token(tokenizer, 0, "a", TOKEN_NORMAL);
	check_token(tokenizer, 5, "abc", TOKEN_NORMAL);
	check_token(tokenizer, 6, "<s>", TOKEN_CONTROL);
	check_token(tokenizer, 7, "<|end|>", TOKEN_CONTROL);
	check_token(tokenizer, 8, "a tool", TOKEN_USER_DEFINED);
	check_token(tokenizer, 9, "[PAD9]", TOKEN_UNUSED);
	check_token(tokenizer, 10, "[PAD10]", TOKEN_UNUSED);
	assert_int_equal(tokenizer->merge_count, 2);
	assert_string_equal(tokenizer->merges[0].data, "a b");
	assert_string_equal(tokenizer->merges[1].data, "ab c");
	assert_null(tokenizer->scores);
	assert_null(tokenizer->chat_template.data);
	for (size_t i = 0; i < TOKENIZER_ID_COUNT; i++)
		assert_int_equal(tokenizer->ids[i], QUIRE_NO_TOKEN);
	assert_int_equal(tokenizer->flags[TOKENIZER_ADD_BOS], TOKENIZER_FALSE);
	assert_int_equal(tokenizer->flags[TOKENIZER_ADD_EOS], TOKENIZER_FALSE);
	assert_int_equal(tokenizer->note_count, 0);
	quire_tokenizer_free(tokenizer);
}

static void test_pieces(void **state)
{
	const char *parts[PART_COUNT];
	struct tokenizer *tokenizer;

	(void)state;
	memcpy(parts, sample_pieces, sizeof(parts));
	parts[MODEL] = sample_pieces_model(PIECES, PIECE_MERGES);
	sample_write(folder, parts);
	tokenizer = read(&plain);
	assert_string_equal(tokenizer->model, "llama");
	assert_string_equal(tokenizer->pre, "default");
	assert_int_equal(tokenizer->token_count, 264);
	assert_int_equal(tokenizer->merge_count, 0);
	check_token(tokenizer, 0, "<unk>", TOKEN_CONTROL);
	check_token(tokenizer, 2, "<0x00>", TOKEN_BYTE);
	check_token(tokenizer, 257, "<0xFF>", TOKEN_BYTE);
	check_token(tokenizer, 258, MARK "a", TOKEN_NORMAL);
	assert_true(tokenizer->scores[0] == -1000);
	assert_true(tokenizer->scores[2] == 0);
	for (size_t id = 258; id < 264; id++)
		assert_true(tokenizer->scores[id] == 258 - (float)id);
	assert_int_equal(tokenizer->ids[TOKENIZER_BOS], 1);
	assert_int_equal(tokenizer->ids[TOKENIZER_UNKNOWN], 0);
	assert_int_equal(tokenizer->flags[TOKENIZER_ADD_BOS], TOKENIZER_TRUE);
	assert_int_equal(tokenizer->flags[TOKENIZER_ADD_SPACE_PREFIX],
			 TOKENIZER_TRUE);
	quire_tokenizer_free(tokenizer);
}

static void test_words(void **state)
{
	struct tokenizer *tokenizer;

	(void)state;
	sample_write(folder, sample_words);
	tokenizer = read(&plain);
	assert_string_equal(tokenizer->model, "bert");
	check_token(tokenizer, 2, "[CLS]", TOKEN_CONTROL);
	check_token(tokenizer, 4, MARK "a", TOKEN_NORMAL);
	check_token(tokenizer, 5, "b", TOKEN_NORMAL);
	check_token(tokenizer, 6, MARK "b", TOKEN_NORMAL);
	assert_int_equal(tokenizer->ids[TOKENIZER_BOS], 2);
	assert_int_equal(tokenizer->ids[TOKENIZER_EOS], 3);
	assert_int_equal(tokenizer->ids[TOKENIZER_SEPARATOR], 3);
	assert_int_equal(tokenizer->ids[TOKENIZER_UNKNOWN], 1);
	assert_int_equal(tokenizer->ids[TOKENIZER_PADDING], 0);
	assert_int_equal(tokenizer->ids[TOKENIZER_MASK], QUIRE_NO_TOKEN);
	assert_int_equal(tokenizer->flags[TOKENIZER_ADD_BOS], TOKENIZER_TRUE);
	assert_int_equal(tokenizer->flags[TOKENIZER_LOWERCASE], TOKENIZER_TRUE);
	assert_int_equal(tokenizer->flags[TOKENIZER_STRIP_ACCENTS],
			 TOKENIZER_TRUE);
	assert_int_equal(tokenizer->note_count, 1);
	quire_tokenizer_free(tokenizer);
}

static void test_unigram(void **state)
{
	struct tokenizer *tokenizer;

	(void)state;
	sample_write(folder, sample_unigram);
	tokenizer = read(&plain);
	assert_string_equal(tokenizer->model, "t5");
	check_token(tokenizer, 0, "<s>", TOKEN_CONTROL);
	check_token(tokenizer, 1, "<unk>", TOKEN_UNKNOWN);
	check_token(tokenizer, 2, MARK, TOKEN_NORMAL);
	check_token(tokenizer, 4, "<mask>", TOKEN_CONTROL);
	assert_true(tokenizer->scores[2] == -1.5F);
	assert_true(tokenizer->scores[3] == -2.25F);
	assert_true(tokenizer->scores[4] == -1000);
	assert_int_equal(tokenizer->charsmap.size, 9);
	assert_memory_equal(tokenizer->charsmap.data, "\4\0\0\0\1\2\3\4A", 9);
	assert_int_equal(tokenizer->flags[TOKENIZER_REMOVE_EXTRA_WHITESPACES],
			 TOKENIZER_TRUE);
	quire_tokenizer_free(tokenizer);
}

/* What one changed part makes of `bytes`. */
static struct tokenizer *read_changed(enum part part, const char *text)
{
	const char *parts[PART_COUNT];

	memcpy(parts, sample_bytes, sizeof(parts));
	parts[part] = text;
	sample_write(folder, parts);
	return read(&plain);
}

static void test_pre(void **state)
{
	static const char *const cased = "{\"clean_up_tokenization_spaces\": "
					 "true}";
	const struct tokenizer_options options = { .pre = "llama-bpe" };
	struct tokenizer *tokenizer;

	(void)state;
	tokenizer = read_changed(PRE, BYTE_LEVEL);
	assert_string_equal(tokenizer->pre, "gpt-2");
	quire_tokenizer_free(tokenizer);
	tokenizer = read_changed(NORMALIZER, "{\"type\": \"NFC\"}");
	assert_int_equal(tokenizer->note_count, 1);
	quire_tokenizer_free(tokenizer);
	tokenizer = read_changed(CONFIG, cased);
	assert_string_equal(tokenizer->pre, "refact");
	quire_tokenizer_free(tokenizer);
	tokenizer = read(&options);
	assert_string_equal(tokenizer->pre, "llama-bpe");
	quire_tokenizer_free(tokenizer);
}

/* The other steps that SentencePiece's BPE has; a note where llama.cpp does not
 * quite the same. */
static void check_steps(const char *normalizer, const char *pre,
			enum tokenizer_truth prefix, size_t notes)
{
	const char *parts[PART_COUNT];
	struct tokenizer *tokenizer;

	memcpy(parts, sample_pieces, sizeof(parts));
	parts[MODEL] = sample_pieces_model(PIECES, PIECE_MERGES);
	parts[NORMALIZER] = normalizer;
	parts[PRE] = pre;
	sample_write(folder, parts);
	tokenizer = read(&plain);
	assert_int_equal(tokenizer->flags[TOKENIZER_ADD_SPACE_PREFIX], prefix);
	assert_int_equal(tokenizer->note_count, notes);
	quire_tokenizer_free(tokenizer);
}

#define METASPACE(scheme)                                                      \
	"{\"type\": \"Metaspace\", \"replacement\": \"" MARK                   \
	"\", \"prepend_scheme\": \"" scheme "\", \"split\": false}"

static void test_steps(void **state)
{
	(void)state;
	check_steps("{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, "
		    "\"content\": \"" MARK "\"}",
		    "{\"type\": \"Split\", \"pattern\": {\"String\": \" \"}, "
		    "\"behavior\": \"MergedWithPrevious\", \"invert\": false}",
		    TOKENIZER_FALSE, 0);
	check_steps(NULL, METASPACE("never"), TOKENIZER_FALSE, 0);
	check_steps(NULL, METASPACE("always"), TOKENIZER_TRUE, 1);
	check_steps(NULL, METASPACE("first"), TOKENIZER_TRUE, 1);
}

/* Gemma 3's last token has no row in models that do not see. */
static void test_left_out(void **state)
{
	const struct tokenizer_options options = { .rows = 264 };
	const char *parts[PART_COUNT];
	struct tokenizer *tokenizer;

	(void)state;
	memcpy(parts, sample_pieces, sizeof(parts));
	parts[MODEL] = sample_pieces_model(PIECES, PIECE_MERGES);
	parts[ADDED] = "[" TOKEN(0, "<unk>", true) "," TOKEN(
	    1, "<s>", true) "," TOKEN(264, "<image>", true) "]";
	sample_write(folder, parts);
	tokenizer = read(&options);
	assert_int_equal(tokenizer->token_count, 264);
	quire_tokenizer_free(tokenizer);
	tokenizer = read(&plain);
	assert_int_equal(tokenizer->token_count, 265);
	check_token(tokenizer, 264, "<image>", TOKEN_CONTROL);
	quire_tokenizer_free(tokenizer);
}

/* All of Phi-3's added tokens but three take the white space behind them. */
static void test_phi3(void **state)
{
	const char *parts[PART_COUNT];
	struct tokenizer *tokenizer;

	(void)state;
	memcpy(parts, sample_pieces, sizeof(parts));
	parts[MODEL] = sample_pieces_model(PIECES, PIECE_MERGES);
	parts[ADDED] =
	    "[" TOKEN(0, "<unk>", true) "," TOKEN(1, "<s>", true) "," TOKEN(
		265, "<|endoftext|>",
		true) ",{\"id\": 264, \"content\": \"</s>\", \"rstrip\": true, "
		      "\"special\": false},{\"id\": 266, \"content\": "
		      "\"<|user|>\", "
		      "\"rstrip\": true, \"special\": true}]";
	sample_write(folder, parts);
	tokenizer = read(&plain);
	assert_true(tokenizer->strips_as_phi3);
	check_token(tokenizer, 264, "</s>", TOKEN_USER_DEFINED);
	quire_tokenizer_free(tokenizer);
}

static void test_ids(void **state)
{
	struct tokenizer *tokenizer;

	(void)state;
	/* Without tokenizer_config.json: the first of the list, and a BOS that
	 * nothing contradicts. */
	tokenizer = read_changed(GENAI, "{\"model\": {\"bos_token_id\": 1, "
					"\"eos_token_id\": [7, 6], "
					"\"pad_token_id\": 7}}");
	assert_int_equal(tokenizer->ids[TOKENIZER_BOS], 1);
	assert_int_equal(tokenizer->ids[TOKENIZER_EOS], 7);
	assert_int_equal(tokenizer->ids[TOKENIZER_PADDING], 7);
	quire_tokenizer_free(tokenizer);
	/* With it: its own, if the list has them. */
	tokenizer = read_changed(
	    CONFIG, "{\"eos_token\": \"<s>\", \"bos_token\": \"<|end|>\"}");
	assert_int_equal(tokenizer->ids[TOKENIZER_BOS], 7);
	assert_int_equal(tokenizer->ids[TOKENIZER_EOS], 6);
	quire_tokenizer_free(tokenizer);
}

static void check_template(const char *config, const char *file,
			   const char *expected)
{
	const char *parts[PART_COUNT];
	struct tokenizer *tokenizer;

	memcpy(parts, sample_bytes, sizeof(parts));
	parts[CONFIG] = config;
	parts[TEMPLATE] = file;
	sample_write(folder, parts);
	tokenizer = read(&plain);
	assert_int_equal(tokenizer->chat_template.size, strlen(expected));
	assert_memory_equal(tokenizer->chat_template.data, expected,
			    strlen(expected));
	quire_tokenizer_free(tokenizer);
}

static void test_template(void **state)
{
	(void)state;
	check_template("{\"chat_template\": \"{{ a }}\\n\"}", NULL,
		       "{{ a }}\n");
	check_template("{\"chat_template\": [{\"name\": \"tool_use\", "
		       "\"template\": \"x\"}, {\"name\": \"default\", "
		       "\"template\": \"y\"}]}",
		       NULL, "y");
	check_template("{\"chat_template\": \"{{ a }}\\n\"}", "{{ a }}\n",
		       "{{ a }}\n");
	check_template("{}", "\xc3\xa4\r\n", "\xc3\xa4\r\n");
}

/* ------------------------------------------------------------ as a GGUF file
 */

static const quire_value *find(const quire_model *model, const char *key,
			       quire_value_type type)
{
	const quire_value *value = quire_model_find_value(model, key);

	if (!value)
		fail_msg("no key %s", key);
	assert_int_equal(value->type, type);
	return value;
}

/* The `index`th element of an array that has `count`. */
static quire_value element(const quire_model *model, const char *key,
			   quire_value_type type, uint64_t count, size_t index)
{
	quire_array array = find(model, key, QUIRE_VALUE_ARRAY)->as.a;
	quire_value value;

	assert_int_equal(array.type, type);
	assert_int_equal(array.count, count);
	for (size_t i = 0; i <= index; i++)
		assert_true(quire_array_next(&array, &value));
	return value;
}

static void check_written(const quire_model *model)
{
	quire_value value;

	value = element(model, "tokenizer.ggml.tokens", QUIRE_VALUE_STRING, 264,
			258);
	assert_true(quire_string_equal(value.as.s, quire_string_of(MARK "a")));
	value =
	    element(model, "tokenizer.ggml.scores", QUIRE_VALUE_F32, 264, 260);
	assert_true(value.as.f == -2);
	value = element(model, "tokenizer.ggml.token_type", QUIRE_VALUE_I32,
			264, 2);
	assert_int_equal(value.as.i, TOKEN_BYTE);
	assert_int_equal(
	    find(model, "tokenizer.ggml.bos_token_id", QUIRE_VALUE_U32)->as.u,
	    1);
	assert_true(
	    find(model, "tokenizer.ggml.add_bos_token", QUIRE_VALUE_BOOL)
		->as.b);
	assert_false(
	    find(model, "tokenizer.ggml.add_eos_token", QUIRE_VALUE_BOOL)
		->as.b);
	assert_true(quire_string_equal(
	    find(model, "tokenizer.ggml.model", QUIRE_VALUE_STRING)->as.s,
	    quire_string_of("llama")));
	assert_null(quire_model_find_value(model, "tokenizer.ggml.merges"));
	assert_null(
	    quire_model_find_value(model, "tokenizer.ggml.eos_token_id"));
}

static void test_written(void **state)
{
	const quire_writer_options options = { .plain = true };
	const char *parts[PART_COUNT];
	char *path = scratch_path(folder, "out.gguf");
	struct tokenizer *tokenizer;
	quire_writer *writer;
	quire_model *model;

	(void)state;
	memcpy(parts, sample_pieces, sizeof(parts));
	parts[MODEL] = sample_pieces_model(PIECES, PIECE_MERGES);
	sample_write(folder, parts);
	tokenizer = read(&plain);
	assert_int_equal(quire_writer_create(path, &options, &writer, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_tokenizer_write(tokenizer, writer, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_writer_finish(writer, NULL), QUIRE_OK);
	quire_writer_free(writer);
	quire_tokenizer_free(tokenizer);
	assert_int_equal(quire_model_open(path, NULL, &model, NULL), QUIRE_OK);
	check_written(model);
	quire_model_close(model);
	free(path);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes),    TEST(test_pieces),	 TEST(test_words),
		TEST(test_unigram),  TEST(test_pre),	 TEST(test_ids),
		TEST(test_template), TEST(test_written), TEST(test_steps),
		TEST(test_left_out), TEST(test_phi3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
