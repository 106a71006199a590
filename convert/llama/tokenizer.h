/*
 * tokenizer.h - a model's tokenizer as llama.cpp wants it: the values of the
 * keys tokenizer.*, from tokenizer.json, tokenizer_config.json,
 * chat_template.jinja, and the token ids of genai_config.json and config.json.
 *
 *	struct tokenizer *tokenizer;
 *	struct tokenizer_options options = { .rows = rows_of_token_embd };
 *
 *	status = quire_tokenizer_read(folder, &options, &tokenizer, error);
 *	status = quire_tokenizer_write(tokenizer, writer, error);
 *	quire_tokenizer_free(tokenizer);
 *
 * What llama.cpp would not tokenize as tokenizer.json says is refused; what it
 * tokenizes in another way in rare texts only is noted.
 */
#ifndef QUIRE_CONVERT_LLAMA_TOKENIZER_H
#define QUIRE_CONVERT_LLAMA_TOKENIZER_H

#include "quire.h"

/* llama.cpp's numbers in tokenizer.ggml.token_type. */
enum token_type {
	TOKEN_NORMAL = 1,
	TOKEN_UNKNOWN = 2,
	TOKEN_CONTROL = 3,
	TOKEN_USER_DEFINED = 4,
	TOKEN_UNUSED = 5,
	TOKEN_BYTE = 6,
};

/* The tokens that have a key of their own. */
enum tokenizer_id {
	TOKENIZER_BOS,
	TOKENIZER_EOS,
	TOKENIZER_UNKNOWN,
	TOKENIZER_SEPARATOR,
	TOKENIZER_PADDING,
	TOKENIZER_MASK,
	TOKENIZER_ID_COUNT,
};

#define QUIRE_NO_TOKEN		  UINT32_MAX
#define QUIRE_TOKENIZER_NOTES_MAX 4

enum tokenizer_flag {
	TOKENIZER_ADD_BOS,
	TOKENIZER_ADD_EOS,
	TOKENIZER_ADD_SEP,
	TOKENIZER_ADD_SPACE_PREFIX,
	TOKENIZER_REMOVE_EXTRA_WHITESPACES,
	TOKENIZER_LOWERCASE,
	TOKENIZER_STRIP_ACCENTS,
	TOKENIZER_FLAG_COUNT,
};

enum tokenizer_truth {
	TOKENIZER_UNSAID, /* no key */
	TOKENIZER_FALSE,
	TOKENIZER_TRUE,
};

/* All memory is the tokenizer's, and lives until quire_tokenizer_free. */
struct tokenizer {
	const char *model; /* "gpt2", "llama", "bert" or "t5" */
	const char *pre;   /* NULL: no key */

	/* By id; with options.rows, as many as the embedding has rows. */
	size_t token_count;
	quire_string *tokens;
	int32_t *types; /* enum token_type */
	float *scores;	/* NULL: no key */

	size_t merge_count; /* 0: no key */
	quire_string *merges;

	uint32_t ids[TOKENIZER_ID_COUNT]; /* or QUIRE_NO_TOKEN: no key */
	enum tokenizer_truth flags[TOKENIZER_FLAG_COUNT];

	quire_string chat_template; /* data is NULL: no key */
	quire_string charsmap;	    /* bytes, of "t5"; data is NULL: no key */

	/* Sentences about texts that llama.cpp tokenizes in another way than
	 * tokenizer.json says; for the report. */
	size_t note_count;
	const char *notes[QUIRE_TOKENIZER_NOTES_MAX];

	/* Added tokens take the white space behind them: llama.cpp does that
	 * only if general.name has "phi-3" in it, and quire_tokenizer_write
	 * sets that name. A caller who sets another must keep this. */
	bool strips_as_phi3;

	struct tokenizer_source *source; /* what the strings lie in */
};

struct tokenizer_options {
	/* tokenizer.ggml.pre; NULL: by the pre-tokenizer of tokenizer.json.
	 * One of quire_tokenizer_pre_names. Refused where it has no meaning. */
	const char *pre;
	/* Of the embedding. Ids that no token has become [PADn], unused; more
	 * tokens than rows is an error. 0: not known, no padding. */
	size_t rows;
};

/*
 * Reads the tokenizer of a model's folder. NOT_FOUND: no tokenizer.json, or a
 * key of it is missing; LAYOUT: a file contradicts itself or another, and the
 * message names both; UNSUPPORTED: llama.cpp has nothing that is equal, or no
 * name of the pre-tokenizer is known; ARGUMENT: options.pre.
 */
quire_status quire_tokenizer_read(const char *folder,
				  const struct tokenizer_options *options,
				  struct tokenizer **tokenizer,
				  quire_error *error);

/* NULL is fine. */
void quire_tokenizer_free(struct tokenizer *tokenizer);

/* Sets every key tokenizer.* that the tokenizer has; and general.name, see
 * strips_as_phi3. */
quire_status quire_tokenizer_write(const struct tokenizer *tokenizer,
				   quire_writer *writer, quire_error *error);

/* Names for options.pre, separated by ", ". */
const char *quire_tokenizer_pre_names(void);

#endif
