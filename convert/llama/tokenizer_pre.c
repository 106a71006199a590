/*
 * tokenizer_pre.c - what happens to text before it becomes tokens.
 * tokenizer.json has it in steps; llama.cpp has built in what it needs, and for
 * "gpt2" chooses between regular expressions by names that no file of a model
 * has. The table has the steps of models whose tokenizer.json is known, with
 * llama.cpp's name for the same. All else is refused.
 */
#include <string.h>

#include "convert/llama/tokenizer_private.h"

#define STEPS_MAX 4

/* What a step does, with the settings that models have. */
enum step_kind {
	NO_STEP,
	OTHER_STEP, /* another one, or other settings */
	/* of pre-tokenizers */
	SPLIT,	     /* by an expression; what matches is a piece */
	DIGITS,	     /* each digit is a piece */
	WORDS,	     /* ByteLevel with GPT-2's expression */
	BYTES,	     /* ByteLevel without it */
	SPACES,	     /* Split at spaces, which end a piece */
	MARK_ALWAYS, /* Metaspace: U+2581 for spaces, and before each text */
	MARK_FIRST,  /* before the first text alone */
	MARK_NEVER,
	WHITE_SPACE, /* WhitespaceSplit */
	BERT,
	/* of normalizers */
	NFC,
	PREPEND_MARK,
	MARK_SPACES,   /* U+2581 for a space */
	ONE_MARK,      /* for several spaces */
	PRECOMPILED,   /* SentencePiece's own normalizer, as a table */
	BERT_TEXT,     /* lower case or not, see there */
	STRIP_AT_ENDS, /* or at the right end */
};

struct step {
	enum step_kind kind;
	const char *pattern; /* of SPLIT */
};

struct steps {
	size_t count; /* STEPS_MAX + 1: too many */
	struct step steps[STEPS_MAX];
};

/* --------------------------------------------------- steps of a tokenizer */

static bool is_type(const struct json_value *step, const char *type)
{
	return quire_tokenizer_text_is(step, "type", type);
}

static bool is_mark(const struct json_value *step, const char *key)
{
	return quire_tokenizer_text_is(step, key, QUIRE_PIECE_SPACE);
}

/* A pattern {"String": ...} or {"Regex": ...}; NULL: another one. */
static const char *pattern_of(const struct json_value *step, const char *type)
{
	struct json_value pattern, found;
	quire_string text;

	if (!quire_json_find(step, "pattern", &pattern) ||
	    !quire_json_find(&pattern, type, &found) ||
	    quire_json_string(&found, &text, NULL) != QUIRE_OK)
		return NULL;
	return text.data;
}

static bool pattern_is(const struct json_value *step, const char *type,
		       const char *wanted)
{
	const char *pattern = pattern_of(step, type);

	return pattern && strcmp(pattern, wanted) == 0;
}

/* Types without settings that matter. */
static enum step_kind plain_step(const struct json_value *step)
{
	return is_type(step, "WhitespaceSplit")	   ? WHITE_SPACE
	       : is_type(step, "BertPreTokenizer") ? BERT
	       : is_type(step, "NFC")		   ? NFC
	       : is_type(step, "Precompiled")	   ? PRECOMPILED
	       : is_type(step, "Strip")		   ? STRIP_AT_ENDS
						   : OTHER_STEP;
}

static struct step split_step(const struct json_value *step)
{
	const char *pattern = pattern_of(step, "Regex");
	const bool inverted = quire_tokenizer_bool_or(step, "invert", false);

	if (pattern && ((!inverted && quire_tokenizer_text_is(step, "behavior",
							      "Isolated")) ||
			/* What matches is left, and it matches everything. */
			(inverted &&
			 quire_tokenizer_text_is(step, "behavior", "Removed"))))
		return (struct step){ SPLIT, pattern };
	if (!inverted && pattern_is(step, "String", " ") &&
	    quire_tokenizer_text_is(step, "behavior", "MergedWithPrevious"))
		return (struct step){ SPACES, NULL };
	return (struct step){ OTHER_STEP, NULL };
}

static struct step metaspace_step(const struct json_value *step)
{
	enum step_kind kind = MARK_ALWAYS;

	if (!is_mark(step, "replacement"))
		kind = OTHER_STEP;
	else if (quire_tokenizer_text_is(step, "prepend_scheme", "first"))
		kind = MARK_FIRST;
	else if (quire_tokenizer_text_is(step, "prepend_scheme", "never") ||
		 !quire_tokenizer_bool_or(step, "add_prefix_space", true))
		kind = MARK_NEVER;
	return (struct step){ kind, NULL };
}

static struct step pre_step(const struct json_value *step)
{
	enum step_kind kind = OTHER_STEP;

	if (is_type(step, "Split"))
		return split_step(step);
	if (is_type(step, "Metaspace"))
		return metaspace_step(step);
	if (is_type(step, "Digits") &&
	    quire_tokenizer_bool_or(step, "individual_digits", false))
		kind = DIGITS;
	else if (is_type(step, "ByteLevel") &&
		 !quire_tokenizer_bool_or(step, "add_prefix_space", true))
		kind = quire_tokenizer_bool_or(step, "use_regex", true) ? WORDS
									: BYTES;
	else
		kind = plain_step(step);
	return (struct step){ kind, NULL };
}

static struct step normal_step(const struct json_value *step)
{
	enum step_kind kind = OTHER_STEP;

	if (is_type(step, "Prepend") && is_mark(step, "prepend"))
		kind = PREPEND_MARK;
	else if (is_type(step, "Replace") && is_mark(step, "content") &&
		 pattern_is(step, "String", " "))
		kind = MARK_SPACES;
	else if (is_type(step, "Replace") && pattern_is(step, "Regex", " {2,}"))
		kind = ONE_MARK;
	else if (is_type(step, "BertNormalizer") &&
		 quire_tokenizer_bool_or(step, "clean_text", true) &&
		 quire_tokenizer_bool_or(step, "handle_chinese_chars", true))
		kind = BERT_TEXT;
	else if (!is_type(step, "BertNormalizer"))
		kind = plain_step(step);
	return (struct step){ kind, NULL };
}

/* The steps below a key of tokenizer.json; none if it is null. */
static quire_status read_steps(
    const struct tokenizer *tokenizer, const char *key, const char *list_key,
    struct step (*step_of)(const struct json_value *), struct steps *steps,
    quire_error *error)
{
	struct json_value value, list;
	size_t count;
	quire_status status;

	memset(steps, 0, sizeof(*steps));
	if (!quire_json_find(&tokenizer->source->root, key, &value))
		return QUIRE_OK;
	if (!is_type(&value, "Sequence")) {
		steps->steps[steps->count++] = step_of(&value);
		return QUIRE_OK;
	}
	status = quire_json_get(&value, list_key, &list, error);
	if (status == QUIRE_OK)
		status = quire_json_count(&list, &count, error);
	for (size_t i = 0;
	     status == QUIRE_OK && i < count && steps->count <= STEPS_MAX;
	     i++) {
		const struct json_value item = quire_json_item(&list, i);

		if (steps->count < STEPS_MAX)
			steps->steps[steps->count] = step_of(&item);
		steps->count++;
	}
	return status;
}

static bool steps_are(const struct steps *steps, size_t count,
		      const enum step_kind *kinds)
{
	if (steps->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (steps->steps[i].kind != kinds[i])
			return false;
	return true;
}

#define STEPS_ARE(steps, ...)                                                  \
	steps_are(steps,                                                       \
		  sizeof((enum step_kind[]){ __VA_ARGS__ }) /                  \
		      sizeof(enum step_kind),                                  \
		  (enum step_kind[]){ __VA_ARGS__ })

static quire_status fail_steps(const struct tokenizer *tokenizer,
			       const char *key, quire_error *error)
{
	struct json_value value = tokenizer->source->root;

	quire_json_find(&tokenizer->source->root, key, &value);
	return quire_json_fail(&value, QUIRE_ERROR_UNSUPPORTED, error,
			       "is none that llama.cpp's '%s' has",
			       tokenizer->model);
}

/* ----------------------------------------------------------- byte-level BPE */

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
#define REST	     "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define WORD	     "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define SLASHED                                                                \
	"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CASED	   "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define SMALL	   "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define ENDING	   "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
#define CASES(end) CASED "*" SMALL "+" end CASED "+" SMALL "*" end
#define GPT_4O	   CASES(ENDING) "\\p{N}{1,3}" SLASHED
#define TEKKEN	   CASES("|") "\\p{N}" SLASHED

struct known {
	const char *pre;
	struct steps steps; /* none: for --tokenizer-pre alone */
	bool ignore_merges; /* what llama.cpp does for that name */
	bool cleans;	    /* clean_up_tokenization_spaces */
	const char *note;   /* or NULL */
};

#define LLAMA_3	  CONTRACTIONS WORD "\\p{N}{1,3}" REST
#define QWEN_2	  CONTRACTIONS WORD "\\p{N}" REST
#define COMBINING "llama.cpp cuts text with combining characters elsewhere"

/* The first that suits is taken; `cleans` tells apart what is else the same. */
static const struct known table[] = {
	/* clang-format off */
	{ "llama-bpe", { 2, { { SPLIT, LLAMA_3 }, { BYTES, NULL } } }, true, true, NULL },
	{ "qwen2", { 2, { { SPLIT, QWEN_2 }, { BYTES, NULL } } }, false, true, NULL },
	{ "refact", { 2, { { DIGITS, NULL }, { WORDS, NULL } } }, false, true, NULL },
	{ "smollm", { 2, { { DIGITS, NULL }, { WORDS, NULL } } }, false, false, NULL },
	{ "gpt-4o", { 2, { { SPLIT, GPT_4O }, { BYTES, NULL } } }, false, true, COMBINING },
	{ "gpt-2", { 1, { { WORDS, NULL } } }, false, true, NULL },
	{ "tekken", { 2, { { SPLIT, TEKKEN }, { BYTES, NULL } } }, true, false, COMBINING },
	{ .pre = "starcoder" }, { .pre = "falcon" }, { .pre = "command-r" }, { .pre = "deepseek-llm" },
	/* clang-format on */
};

#define TABLE_COUNT (sizeof(table) / sizeof(*table))

const char *quire_tokenizer_pre_names(void)
{
	return "llama-bpe, qwen2, refact, smollm, gpt-4o, gpt-2, tekken, "
	       "starcoder, falcon, command-r, deepseek-llm";
}

static bool same_steps(const struct steps *a, const struct steps *b)
{
	for (size_t i = 0; i < a->count && a->count == b->count; i++)
		if (a->steps[i].kind != b->steps[i].kind ||
		    (a->steps[i].kind == SPLIT &&
		     strcmp(a->steps[i].pattern, b->steps[i].pattern) != 0))
			return false;
	return a->count == b->count && a->count > 0;
}

static bool cleans_spaces(const struct tokenizer_source *source)
{
	struct json_value root;

	if (!source->config)
		return false;
	root = quire_json_root(source->config);
	return quire_tokenizer_bool_or(&root, "clean_up_tokenization_spaces",
				       false);
}

static const struct known *find_known(const struct steps *steps, bool cleans)
{
	const struct known *found = NULL;

	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (same_steps(&table[i].steps, steps) &&
		    (!found || table[i].cleans == cleans))
			found = &table[i];
	return found;
}

static quire_status derive(struct tokenizer *tokenizer, quire_error *error)
{
	const struct tokenizer_source *source = tokenizer->source;
	const struct known *known;
	struct steps steps;
	struct json_value pre;
	quire_status status;

	status = quire_json_get(&source->root, "pre_tokenizer", &pre, error);
	if (status == QUIRE_OK)
		status = read_steps(tokenizer, "pre_tokenizer", "pretokenizers",
				    pre_step, &steps, error);
	if (status != QUIRE_OK)
		return status;
	known = find_known(&steps, cleans_spaces(source));
	if (!known)
		return quire_json_fail(
		    &pre, QUIRE_ERROR_UNSUPPORTED, error,
		    "is not known; choose llama.cpp's name for it with "
		    "--tokenizer-pre NAME: %s",
		    quire_tokenizer_pre_names());
	tokenizer->pre = known->pre;
	if (known->note)
		quire_tokenizer_note(tokenizer, known->note);
	if (quire_tokenizer_bool_or(&source->model, "ignore_merges", false) !=
	    known->ignore_merges)
		return quire_json_fail(
		    &source->model, QUIRE_ERROR_UNSUPPORTED, error,
		    "has ignore_merges %s and llama.cpp's '%s' the contrary; "
		    "if it is right, choose it with --tokenizer-pre",
		    known->ignore_merges ? "false" : "true", tokenizer->pre);
	return QUIRE_OK;
}

/* The table's own text; NULL: no such name. */
static const char *find_name(const char *pre)
{
	for (size_t i = 0; i < TABLE_COUNT; i++)
		if (strcmp(table[i].pre, pre) == 0)
			return table[i].pre;
	return NULL;
}

static quire_status read_bytes(struct tokenizer *tokenizer, const char *pre,
			       quire_error *error)
{
	struct steps normal;
	quire_status status = read_steps(tokenizer, "normalizer", "normalizers",
					 normal_step, &normal, error);

	if (status != QUIRE_OK)
		return status;
	if (STEPS_ARE(&normal, NFC))
		quire_tokenizer_note(tokenizer,
				     "llama.cpp does not compose characters "
				     "(NFC) before it tokenizes");
	else if (normal.count > 0)
		return fail_steps(tokenizer, "normalizer", error);
	if (!pre)
		return derive(tokenizer, error);
	tokenizer->pre = find_name(pre);
	if (!tokenizer->pre)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "no pre-tokenizer is called '%.40s'; there "
				  "are %s",
				  pre, quire_tokenizer_pre_names());
	return QUIRE_OK;
}

/* ------------------------------------------------------------ SentencePiece */

static void set(struct tokenizer *tokenizer, enum tokenizer_flag flag,
		bool truth)
{
	tokenizer->flags[flag] = truth ? TOKENIZER_TRUE : TOKENIZER_FALSE;
}

/* Metaspace puts no mark before a space. */
static void note_metaspace(struct tokenizer *tokenizer, bool first)
{
	static const char *const notes[] = {
		"llama.cpp puts a space before text that begins with one",
		"llama.cpp puts a space before text that begins with one, or "
		"follows a special token",
	};

	quire_tokenizer_note(tokenizer, notes[first]);
}

/* llama.cpp writes U+2581 for spaces, and puts a space before text, at the
 * start and after special tokens, if add_space_prefix is true. */
static quire_status read_pieces(struct tokenizer *tokenizer,
				const struct steps *normal,
				const struct steps *pre, quire_error *error)
{
	bool prefix = true;

	if (pre->count == 0 && STEPS_ARE(normal, PREPEND_MARK, MARK_SPACES))
		prefix = true;
	else if ((pre->count == 0 || STEPS_ARE(pre, SPACES)) &&
		 STEPS_ARE(normal, MARK_SPACES))
		prefix = false;
	else if (normal->count > 0)
		return fail_steps(tokenizer, "normalizer", error);
	else if (STEPS_ARE(pre, MARK_NEVER))
		prefix = false;
	else if (STEPS_ARE(pre, MARK_FIRST) || STEPS_ARE(pre, MARK_ALWAYS))
		note_metaspace(tokenizer, STEPS_ARE(pre, MARK_FIRST));
	else
		return fail_steps(tokenizer, "pre_tokenizer", error);
	set(tokenizer, TOKENIZER_ADD_SPACE_PREFIX, prefix);
	return QUIRE_OK;
}

/* llama.cpp's "t5" has the table, one space before the text, and one for
 * several if remove_extra_whitespaces is true. */
static quire_status read_unigram(struct tokenizer *tokenizer,
				 const struct steps *normal,
				 const struct steps *pre, quire_error *error)
{
	bool single = false;

	if (quire_tokenizer_bool_or(&tokenizer->source->model, "byte_fallback",
				    false))
		return quire_json_fail(&tokenizer->source->model,
				       QUIRE_ERROR_UNSUPPORTED, error,
				       "has byte_fallback, which llama.cpp's "
				       "'t5' does not have");
	for (size_t i = 0; i < normal->count; i++) {
		const enum step_kind kind =
		    i < STEPS_MAX ? normal->steps[i].kind : OTHER_STEP;

		if (kind == ONE_MARK && i > 0)
			single = true;
		else if ((kind != PRECOMPILED || i > 0) &&
			 (kind != STRIP_AT_ENDS || i == 0))
			return fail_steps(tokenizer, "normalizer", error);
	}
	/* llama.cpp knows spaces only; the table makes them of the others. */
	if (STEPS_ARE(pre, WHITE_SPACE, MARK_ALWAYS) && normal->count > 0)
		single = true;
	else if (!STEPS_ARE(pre, MARK_FIRST) && !STEPS_ARE(pre, MARK_ALWAYS))
		return fail_steps(tokenizer, "pre_tokenizer", error);
	if (!single || STEPS_ARE(pre, MARK_FIRST))
		note_metaspace(tokenizer, STEPS_ARE(pre, MARK_FIRST));
	set(tokenizer, TOKENIZER_ADD_SPACE_PREFIX, true);
	set(tokenizer, TOKENIZER_REMOVE_EXTRA_WHITESPACES, single);
	return normal->count > 0
		   ? quire_tokenizer_read_charsmap(tokenizer, error)
		   : QUIRE_OK;
}

/* ---------------------------------------------------------------- all kinds */

/* llama.cpp's "bert" has the two steps that BERT has. */
static quire_status read_words(struct tokenizer *tokenizer,
			       const struct steps *normal,
			       const struct steps *pre, quire_error *error)
{
	if (!STEPS_ARE(normal, BERT_TEXT))
		return fail_steps(tokenizer, "normalizer", error);
	if (!STEPS_ARE(pre, BERT))
		return fail_steps(tokenizer, "pre_tokenizer", error);
	return quire_tokenizer_read_bert(tokenizer, error);
}

quire_status quire_tokenizer_read_pre(struct tokenizer *tokenizer,
				      const char *pre, quire_error *error)
{
	struct steps normal, steps;
	quire_status status;

	if (tokenizer->source->kind == TOKENIZER_BYTE_BPE)
		return read_bytes(tokenizer, pre, error);
	if (pre)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "only byte-level BPE has pre-tokenizers to "
				  "choose from; this tokenizer is llama.cpp's "
				  "'%s'",
				  tokenizer->model);
	tokenizer->pre = "default";
	status = read_steps(tokenizer, "normalizer", "normalizers", normal_step,
			    &normal, error);
	if (status == QUIRE_OK)
		status = read_steps(tokenizer, "pre_tokenizer", "pretokenizers",
				    pre_step, &steps, error);
	if (status != QUIRE_OK)
		return status;
	switch (tokenizer->source->kind) {
	case TOKENIZER_PIECE_BPE:
		return read_pieces(tokenizer, &normal, &steps, error);
	case TOKENIZER_UNIGRAM:
		return read_unigram(tokenizer, &normal, &steps, error);
	default:
		return read_words(tokenizer, &normal, &steps, error);
	}
}
