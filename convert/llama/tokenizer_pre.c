/*
 * tokenizer_pre.c - how text is cut before it is tokenized. tokenizer.json says
 * it by steps with regular expressions; llama.cpp has the expressions built in,
 * by names that no file of a model has. The table has the steps of models whose
 * tokenizer.json is known, and the name that stands for the same in llama.cpp.
 */
#include <string.h>

#include "convert/llama/tokenizer_private.h"
#include "format/value.h"

#define STEPS_MAX 4

/* What a step does, with the settings that models have; OTHER_STEP: another
 * step or another setting. */
enum step_kind {
	NO_STEP,
	SPLIT,	/* by an expression; what matches is a piece */
	DIGITS, /* each digit is a piece */
	WORDS,	/* ByteLevel with GPT-2's expression */
	BYTES,	/* ByteLevel without it */
	OTHER_STEP,
};

struct step {
	enum step_kind kind;
	const char *pattern; /* of SPLIT */
};

/* Expressions of several models. */
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
#define REST	     "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

struct known {
	const char *pre;
	const char *pre_if_cleaned; /* clean_up_tokenization_spaces; or NULL */
	struct step steps[STEPS_MAX];
	bool ignore_merges; /* what llama.cpp does for that name */
};

static const struct known table[] = {
	{ "llama-bpe",
	  NULL,
	  { { SPLIT,
	      CONTRACTIONS "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" REST },
	    { BYTES, NULL } },
	  true },
	{ "qwen2",
	  NULL,
	  { { SPLIT, CONTRACTIONS "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" REST },
	    { BYTES, NULL } },
	  false },
	{ "smollm", "refact", { { DIGITS, NULL }, { WORDS, NULL } }, false },
};

#define TABLE_COUNT (sizeof(table) / sizeof(*table))

const char *quire_tokenizer_pre_names(void)
{
	return "llama-bpe, qwen2, refact, smollm";
}

/* ------------------------------------------------------ steps of a tokenizer
 */

static bool string_is(const struct json_value *object, const char *key,
		      const char *wanted)
{
	struct json_value value;
	quire_string text;

	return quire_json_find(object, key, &value) &&
	       quire_json_string(&value, &text, NULL) == QUIRE_OK &&
	       quire_string_equal(text, quire_string_of(wanted));
}

static bool bool_or(const struct json_value *object, const char *key,
		    bool otherwise)
{
	struct json_value value;
	bool truth;

	if (!quire_json_find(object, key, &value))
		return otherwise;
	return quire_json_bool(&value, &truth, NULL) == QUIRE_OK ? truth
								 : otherwise;
}

static struct step step_of(const struct json_value *object)
{
	struct step step = { OTHER_STEP, NULL };
	struct json_value pattern;
	quire_string text;

	if (string_is(object, "type", "Split") &&
	    string_is(object, "behavior", "Isolated") &&
	    !bool_or(object, "invert", false) &&
	    quire_json_find(object, "pattern", &pattern) &&
	    quire_json_get_string(&pattern, "Regex", &text, NULL) == QUIRE_OK)
		step = (struct step){ SPLIT, text.data };
	else if (string_is(object, "type", "Digits") &&
		 bool_or(object, "individual_digits", false))
		step.kind = DIGITS;
	else if (string_is(object, "type", "ByteLevel") &&
		 !bool_or(object, "add_prefix_space", true))
		step.kind = bool_or(object, "use_regex", true) ? WORDS : BYTES;
	return step;
}

/* Fills in all steps; NO_STEP follows the last one. */
static quire_status read_steps(const struct json_value *pre,
			       struct step steps[STEPS_MAX + 1],
			       quire_error *error)
{
	struct json_value list;
	size_t count = 1;
	quire_status status = QUIRE_OK;

	memset(steps, 0, (STEPS_MAX + 1) * sizeof(*steps));
	if (!string_is(pre, "type", "Sequence")) {
		steps[0] = step_of(pre);
		return QUIRE_OK;
	}
	status = quire_json_get(pre, "pretokenizers", &list, error);
	if (status == QUIRE_OK)
		status = quire_json_count(&list, &count, error);
	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < count && i <= STEPS_MAX; i++) {
		const struct json_value item = quire_json_item(&list, i);

		steps[i] = step_of(&item);
	}
	return QUIRE_OK;
}

static bool same_steps(const struct step *a, const struct step *b)
{
	for (size_t i = 0; i < STEPS_MAX; i++) {
		if (a[i].kind != b[i].kind || a[i].kind == OTHER_STEP)
			return false;
		if (a[i].kind == SPLIT &&
		    strcmp(a[i].pattern, b[i].pattern) != 0)
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------ the name
 */

static const struct known *find_known(const struct step steps[STEPS_MAX + 1])
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (steps[STEPS_MAX].kind == NO_STEP &&
		    same_steps(table[i].steps, steps))
			return &table[i];
	return NULL;
}

static bool cleans_spaces(const struct tokenizer_source *source)
{
	struct json_value root;

	if (!source->config)
		return false;
	root = quire_json_root(source->config);
	return bool_or(&root, "clean_up_tokenization_spaces", false);
}

static quire_status derive(struct tokenizer *tokenizer, quire_error *error)
{
	const struct tokenizer_source *source = tokenizer->source;
	struct step steps[STEPS_MAX + 1];
	const struct known *known = NULL;
	struct json_value pre;
	quire_status status;

	status = quire_json_get(&source->root, "pre_tokenizer", &pre, error);
	if (status == QUIRE_OK)
		status = read_steps(&pre, steps, error);
	if (status == QUIRE_OK)
		known = find_known(steps);
	if (status == QUIRE_OK && !known)
		status = quire_json_fail(
		    &pre, QUIRE_ERROR_UNSUPPORTED, error,
		    "is not known; choose llama.cpp's name for it with "
		    "--tokenizer-pre NAME, of %s",
		    quire_tokenizer_pre_names());
	if (status != QUIRE_OK)
		return status;
	tokenizer->pre = known->pre_if_cleaned && cleans_spaces(source)
			     ? known->pre_if_cleaned
			     : known->pre;
	if (bool_or(&source->model, "ignore_merges", false) !=
	    known->ignore_merges)
		return quire_json_fail(
		    &source->model, QUIRE_ERROR_UNSUPPORTED, error,
		    "has ignore_merges %s, llama.cpp's '%s' the contrary; if "
		    "it is right, choose it with --tokenizer-pre",
		    known->ignore_merges ? "false" : "true", tokenizer->pre);
	return QUIRE_OK;
}

static bool is_listed(const char *pre)
{
	const char *names = quire_tokenizer_pre_names();
	const size_t size = strlen(pre);

	while (*names) {
		const size_t length = strcspn(names, ",");

		if (length == size && memcmp(names, pre, size) == 0)
			return true;
		names += length + strspn(names + length, ", ");
	}
	return false;
}

quire_status quire_tokenizer_read_pre(struct tokenizer *tokenizer,
				      const char *pre, quire_error *error)
{
	if (tokenizer->source->kind != TOKENIZER_BYTE_BPE) {
		if (pre)
			return quire_fail(
			    error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			    "only a tokenizer of byte-level BPE has a "
			    "pre-tokenizer to choose; this one is llama.cpp's "
			    "'%s'",
			    tokenizer->model);
		tokenizer->pre = "default";
		return QUIRE_OK;
	}
	if (!pre)
		return derive(tokenizer, error);
	if (!is_listed(pre))
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "no pre-tokenizer is called '%.40s'; there "
				  "are %s",
				  pre, quire_tokenizer_pre_names());
	/* Not the caller's: the tokenizer outlives the options. */
	tokenizer->pre = strstr(quire_tokenizer_pre_names(), pre);
	return QUIRE_OK;
}
