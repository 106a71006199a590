/*
 * test_tokenizer_refused.c - tokenizers that llama.cpp would not run, or run
 * otherwise: each refusal with its message; and files that are spoiled at
 * random, which may be read or refused, but nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "convert/llama/tokenizer.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
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

static void refuse(const char *const parts[PART_COUNT],
		   const struct tokenizer_options *options,
		   quire_status expected, const char *message)
{
	struct tokenizer *tokenizer = NULL;
	quire_error error = { .status = QUIRE_OK };
	quire_status status;

	remove_folder(NULL);
	make_folder(NULL);
	sample_write(folder, parts);
	status = quire_tokenizer_read(folder, options, &tokenizer, &error);
	if (status != expected || !strstr(error.message, message))
		fail_msg("%d, \"%s\" is not %d, \"%s\"", (int)status,
			 error.message, (int)expected, message);
	assert_null(tokenizer);
}

static const struct tokenizer_options plain = { .rows = 0 };

#define LAYOUT	    QUIRE_ERROR_LAYOUT
#define UNSUPPORTED QUIRE_ERROR_UNSUPPORTED
#define NOT_FOUND   QUIRE_ERROR_NOT_FOUND

/* A part of sample_bytes is changed. */
static const struct {
	enum part part;
	const char *text;
	quire_status status;
	const char *message;
} changed[] = {
	/* the model */
	{ MODEL, NULL, NOT_FOUND, "'model' is missing" },
	{ MODEL, "3", LAYOUT, "'model' is a whole number, not an object" },
	{ MODEL, "{\"type\": \"WordLevel\"}", UNSUPPORTED,
	  "'model.type' is 'WordLevel', a tokenizer that llama.cpp does not" },
	{ MODEL, "{}", NOT_FOUND, "'model.type' is missing" },
	{ MODEL, "{\"type\": \"BPE\", \"merges\": []}", NOT_FOUND,
	  "'model.vocab' is missing" },
	{ MODEL, "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}}", NOT_FOUND,
	  "'model.merges' is missing" },
	{ MODEL, "{\"type\": \"BPE\", \"end_of_word_suffix\": \"</w>\"}",
	  UNSUPPORTED, "'model.end_of_word_suffix' is something that" },
	{ DECODER, "{\"type\": \"BPEDecoder\"}", UNSUPPORTED,
	  "'decoder' is not ByteLevel" },
	{ MODEL, BPE("", ""), LAYOUT, "'model.vocab' has no tokens" },
	{ MODEL, "{\"type\": \"BPE\", \"vocab\": [], \"merges\": []}", LAYOUT,
	  "'model.vocab' is no object of tokens and ids" },
	/* ids */
	{ MODEL, BPE("\"a\": 0, \"b\": 2", ""), LAYOUT,
	  "'model.vocab' has no token with the id 1, but some with greater" },
	{ MODEL, BPE("\"a\": 0, \"b\": 0", ""), LAYOUT,
	  "'model.vocab.b' is 'b' with the id 0, which 'a' has already" },
	{ MODEL, BPE("\"a\": 0, \"b\": -1", ""), LAYOUT,
	  "'model.vocab.b' is -1, not from 0" },
	{ MODEL, BPE("\"a\": 0, \"b\": 1.5", ""), LAYOUT,
	  "'model.vocab.b' is a number that is not whole" },
	{ MODEL, BPE("\"a\": 0, \"b\": 4194304", ""), LAYOUT,
	  "'model.vocab.b' is the id 4194304, and no vocabulary is as large" },
	{ MODEL, BPE("\"a\": 0, \"a\": 1", ""), LAYOUT,
	  "duplicate object key" },
	{ ADDED, "[" TOKEN(5, "x", true) "]", LAYOUT,
	  "'added_tokens[0]' is 'x' with the id 5, which 'abc' has already" },
	{ ADDED, "[" TOKEN(7, "abc", true) "]", LAYOUT,
	  "the whole file has 'abc' twice, as the tokens 5 and 7" },
	{ ADDED, "[" TOKEN(7, "", true) "]", LAYOUT,
	  "'added_tokens[0]' has no text" },
	{ ADDED, "[{\"id\": 7, \"content\": \"x\"}]", NOT_FOUND,
	  "'added_tokens[0].special' is missing" },
	{ ADDED, "{}", LAYOUT, "'added_tokens' is an object, not a list" },
	{ ADDED,
	  "[" TOKEN(6, "<s>", true) "," TOKEN(
	      7, "t " MARK "s", false) "," TOKEN(8, "t  s", false) "]",
	  LAYOUT, "the whole file has 't  s' twice, as the tokens 7 and 8" },
	/* merges */
	{ MODEL, BPE(VOCAB, "\"a b\""), LAYOUT,
	  "'model.merges' makes none of 1 of 2 tokens, as 'abc' (5): the list "
	  "is truncated" },
	{ MODEL, BPE(VOCAB, "\"a b\", \"ab c\", \"a x\""), LAYOUT,
	  "'model.merges[2]' has 'x', which is no token of the vocabulary" },
	{ MODEL, BPE(VOCAB, "\"a b\", \"b c\""), LAYOUT,
	  "'model.merges[1]' has 'bc', which is no token" },
	{ MODEL, BPE(VOCAB, "\"ab\""), LAYOUT,
	  "'model.merges[0]' 'ab' is not two tokens with a space between" },
	{ MODEL, BPE(VOCAB, "\"a b c\""), LAYOUT,
	  "'model.merges[0]' 'a b c' is not two tokens" },
	{ MODEL, BPE(VOCAB, "[\"a\", \"b\", \"c\"]"), LAYOUT,
	  "'model.merges[0]' is not two tokens" },
	{ MODEL, BPE("\"a\": 0, \" \": 1, \"a \": 2", "[\"a\", \" \"]"),
	  UNSUPPORTED, "'model.merges[0]' has a space in a token" },
	/* steps */
	{ PRE, NULL, NOT_FOUND, "'pre_tokenizer' is missing" },
	{ PRE, SEQUENCE("pretokenizers", BYTE_LEVEL "," DIGITS), UNSUPPORTED,
	  "'pre_tokenizer' is not known; choose llama.cpp's name for it with "
	  "--tokenizer-pre NAME: llama-bpe, qwen2, " },
	{ PRE, SEQUENCE("pretokenizers", ""), UNSUPPORTED, "is not known" },
	{ PRE,
	  SEQUENCE("pretokenizers",
		   DIGITS "," DIGITS "," DIGITS "," DIGITS "," BYTE_LEVEL),
	  UNSUPPORTED, "is not known" },
	{ PRE, "{\"type\": \"ByteLevel\"}", UNSUPPORTED, "is not known" },
	{ NORMALIZER, "{\"type\": \"NFKC\"}", UNSUPPORTED,
	  "'normalizer' is none that llama.cpp's 'gpt2' has" },
	{ MODEL,
	  "{\"type\": \"BPE\", \"ignore_merges\": true, \"vocab\": {" VOCAB
	  "}, \"merges\": [" MERGES "]}",
	  UNSUPPORTED,
	  "'model' has ignore_merges true and llama.cpp's "
	  "'smollm' the contrary" },
	/* added tokens that take white space */
	{ ADDED,
	  "[{\"id\": 7, \"content\": \"x\", \"special\": true, \"rstrip\": "
	  "true}]",
	  UNSUPPORTED, "'added_tokens' has 1 tokens that take the white" },
	{ ADDED,
	  "[{\"id\": 7, \"content\": \"x\", \"special\": true, \"lstrip\": "
	  "true}]",
	  UNSUPPORTED, "'added_tokens[0]' ('x') takes the white space before" },
	{ ADDED,
	  "[{\"id\": 7, \"content\": \"x\", \"special\": true, "
	  "\"single_word\": true}]",
	  UNSUPPORTED, "'added_tokens[0]' ('x') is found as a word" },
	/* special tokens */
	{ CONFIG, "{\"eos_token\": \"</s>\"}", LAYOUT,
	  "'eos_token' is '</s>', which is no token of tokenizer.json" },
	{ CONFIG, "{\"eos_token\": 3}", LAYOUT,
	  "'eos_token' is a whole number, not a string" },
	{ CONFIG, "{\"add_bos_token\": true}", LAYOUT,
	  "'add_bos_token' is true, but the post_processor of tokenizer.json "
	  "adds no token there" },
	{ POST, BEGIN("<t>"), LAYOUT, "adds '<t>', which is no token" },
	{ POST, "{\"type\": \"Other\"}", UNSUPPORTED,
	  "'post_processor' is not known" },
	{ POST, SEQUENCE("processors", BEGIN("<s>") "," BEGIN("<s>")),
	  UNSUPPORTED, "adds more than one token to a side" },
	{ GENAI, "{}", NOT_FOUND, "'model' is missing" },
	{ GENAI, "{\"model\": {\"eos_token_id\": 99}}", LAYOUT,
	  "'model.eos_token_id' is 99, but there are 9 tokens" },
	{ HF, "{\"eos_token_id\": [1, \"x\"]}", LAYOUT,
	  "'eos_token_id[1]' is a string, not a whole number" },
	{ TEMPLATE, "\xff", LAYOUT, "chat_template.jinja is not UTF-8 text" },
	{ CONFIG, "{", LAYOUT, "line 1, column 2" },
};

static void test_changed(void **state)
{
	const char *parts[PART_COUNT];

	(void)state;
	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++) {
		memcpy(parts, sample_bytes, sizeof(parts));
		parts[changed[i].part] = changed[i].text;
		refuse(parts, &plain, changed[i].status, changed[i].message);
	}
}

/* Two files that contradict each other. */
static const struct {
	enum part a, b;
	const char *a_text, *b_text, *message;
} contradictions[] = {
	{ CONFIG, GENAI, "{\"eos_token\": \"<s>\"}",
	  "{\"model\": {\"eos_token_id\": [7, 8]}}",
	  "'model.eos_token_id' does not have 6, '<s>', which "
	  "tokenizer_config.json and tokenizer.json have" },
	{ POST, GENAI, BEGIN("<s>"), "{\"model\": {\"bos_token_id\": 1}}",
	  "'model.bos_token_id' does not have 6, '<s>'" },
	{ POST, CONFIG, BEGIN("<s>"), "{\"bos_token\": \"<|end|>\"}",
	  "the whole file's post_processor adds '<s>', where "
	  "tokenizer_config.json has '<|end|>'" },
	{ POST, CONFIG, BEGIN("<s>"), "{\"add_bos_token\": false}",
	  "'add_bos_token' is false, but the post_processor of "
	  "tokenizer.json adds <s>" },
	{ TEMPLATE, CONFIG, "a", "{\"chat_template\": \"a\\n\"}",
	  "chat_template.jinja and the chat_template of "
	  "tokenizer_config.json differ" },
};

static void test_contradictions(void **state)
{
	const char *parts[PART_COUNT];

	(void)state;
	for (size_t i = 0; i < sizeof(contradictions) / sizeof(*contradictions);
	     i++) {
		memcpy(parts, sample_bytes, sizeof(parts));
		parts[contradictions[i].a] = contradictions[i].a_text;
		parts[contradictions[i].b] = contradictions[i].b_text;
		refuse(parts, &plain, LAYOUT, contradictions[i].message);
	}
}

static void test_rows(void **state)
{
	const struct tokenizer_options few = { .rows = 5 };
	const struct tokenizer_options fewer = { .rows = 8 };
	const struct tokenizer_options many = { .rows = (size_t)5 << 20 };

	(void)state;
	refuse(sample_bytes, &few, LAYOUT,
	       "is the id 5, but the model's embedding has 5 rows: this is the "
	       "tokenizer of another model");
	refuse(sample_bytes, &fewer, LAYOUT, "is the id 8, but the model's");
	refuse(sample_bytes, &many, UNSUPPORTED, "5242880 rows");
}

static void test_pre_option(void **state)
{
	const struct tokenizer_options wrong = { .pre = "llama3" };
	const struct tokenizer_options none = { .pre = "" };
	const struct tokenizer_options right = { .pre = "qwen2" };

	(void)state;
	refuse(sample_bytes, &wrong, QUIRE_ERROR_ARGUMENT,
	       "no pre-tokenizer is called 'llama3'; there are llama-bpe, ");
	refuse(sample_bytes, &none, QUIRE_ERROR_ARGUMENT, "called ''");
	refuse(sample_words, &right, QUIRE_ERROR_ARGUMENT,
	       "only byte-level BPE has pre-tokenizers to choose from");
}

static void test_pieces(void **state)
{
	static const struct {
		const char *vocab, *merges;
		quire_status status;
		const char *message;
	} cases[] = {
		{ PIECES, "\"" MARK " a\", \"a b\", \"" MARK " ab\"", LAYOUT,
		  "ab' (260) in 1 ways, and the vocabulary in 2: the list is "
		  "truncated" },
		{ PIECES,
		  "\"" MARK " a\", \"" MARK " ab\", \"a b\", \"" MARK "a b\"",
		  UNSUPPORTED, "again, after other tokens" },
		{ ", \"<0x0>\": 258", "", LAYOUT, NULL },
	};
	const char *parts[PART_COUNT];

	(void)state;
	memcpy(parts, sample_pieces, sizeof(parts));
	for (size_t i = 0; i < 2; i++) {
		parts[MODEL] =
		    sample_pieces_model(cases[i].vocab, cases[i].merges);
		refuse(parts, &plain, cases[i].status, cases[i].message);
	}
	parts[MODEL] = "{\"type\": \"BPE\", \"byte_fallback\": true, "
		       "\"vocab\": {\"<unk>\": 0, \"<s>\": 1, \"<0x00>\": 2}, "
		       "\"merges\": []}";
	refuse(parts, &plain, LAYOUT,
	       "'model' has byte_fallback and 1 of the 256 tokens");
	parts[MODEL] = sample_pieces_model(PIECES, PIECE_MERGES);
	parts[NORMALIZER] = "{\"type\": \"NFKC\"}";
	refuse(parts, &plain, UNSUPPORTED,
	       "'normalizer' is none that llama.cpp's 'llama' has");
}

static void test_words_and_unigram(void **state)
{
	const char *parts[PART_COUNT];

	(void)state;
	memcpy(parts, sample_words, sizeof(parts));
	parts[PRE] = "{\"type\": \"Whitespace\"}";
	refuse(parts, &plain, UNSUPPORTED,
	       "'pre_tokenizer' is none that llama.cpp's 'bert' has");
	memcpy(parts, sample_unigram, sizeof(parts));
	parts[NORMALIZER] = "{\"type\": \"Precompiled\", "
			    "\"precompiled_charsmap\": \"BAA!\"}";
	refuse(parts, &plain, LAYOUT, "that is not base64");
	parts[NORMALIZER] = "{\"type\": \"Precompiled\", "
			    "\"precompiled_charsmap\": \"CAAAAAECAwRB\"}";
	refuse(parts, &plain, LAYOUT, "whose first part does not fit");
	memcpy(parts, sample_unigram, sizeof(parts));
	parts[MODEL] = "{\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}";
	refuse(parts, &plain, LAYOUT,
	       "'model.vocab[0]' is no pair of a piece and its score");
}

/* ------------------------------------------------------------------ mutants */

static const char *const *const samples[] = { sample_bytes, sample_words,
					      sample_unigram, sample_pieces };

/* Changes 1 to 4 bytes, cuts the text, or repeats a piece of it. */
static void spoil(char *text, size_t *size, size_t capacity, struct rng *random)
{
	static const char likely[] = "\"\\{}[],:0129-.eEtfn \x01\xff";
	const size_t changes = 1 + random_below(random, 4);
	size_t at = random_below(random, *size), length;

	if (random_below(random, 8) == 0) {
		*size = at;
	} else if (random_below(random, 8) == 0) {
		length = random_below(random, *size - at) + 1;
		if (*size + length > capacity)
			return;
		memmove(text + at + length, text + at, *size - at);
		*size += length;
	} else {
		for (size_t i = 0; i < changes; i++)
			text[random_below(random, *size)] =
			    likely[random_below(random, sizeof(likely) - 1)];
	}
}

static void read_mutant(struct rng *random)
{
	const struct tokenizer_options options = {
		.rows = random_below(random, 3) == 0 ? 300 : 0
	};
	const char *const *sample =
	    samples[random_below(random, sizeof(samples) / sizeof(*samples))];
	const char *parts[PART_COUNT];
	char text[20000];
	struct tokenizer *tokenizer = NULL;
	quire_error error = { .status = QUIRE_OK };
	enum part part;
	size_t size;

	memcpy(parts, sample, sizeof(parts));
	if (sample == sample_pieces)
		parts[MODEL] = sample_pieces_model(PIECES, PIECE_MERGES);
	do
		part = (enum part)random_below(random, PART_COUNT);
	while (!parts[part]);
	size = strlen(parts[part]);
	memcpy(text, parts[part], size);
	spoil(text, &size, sizeof(text) - 1, random);
	text[size] = '\0';
	parts[part] = text;
	sample_write(folder, parts);
	if (quire_tokenizer_read(folder, &options, &tokenizer, &error) ==
	    QUIRE_OK) {
		/* Whole: every token and type is there. */
		for (size_t id = 0; id < tokenizer->token_count; id++)
			assert_true(tokenizer->tokens[id].data &&
				    tokenizer->types[id] > 0);
	} else {
		assert_null(tokenizer);
		assert_true(error.message[0] != '\0');
	}
	quire_tokenizer_free(tokenizer);
}

static void test_mutants(void **state)
{
	struct rng random = { 24 };

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		read_mutant(&random);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changed), TEST(test_contradictions),
		TEST(test_rows),    TEST(test_pre_option),
		TEST(test_pieces),  TEST(test_words_and_unigram),
		TEST(test_mutants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
