/*
 * tokenizer_private.h - the steps of quire_tokenizer_read, each of which fills
 * in a part of a struct tokenizer. For convert/llama/tokenizer*.c only.
 */
#ifndef QUIRE_CONVERT_LLAMA_TOKENIZER_PRIVATE_H
#define QUIRE_CONVERT_LLAMA_TOKENIZER_PRIVATE_H

#include "base/arena.h"
#include "base/table.h"
#include "convert/llama/json_file.h"
#include "convert/llama/tokenizer.h"

/* The largest vocabulary in use has 262,144 tokens. */
#define QUIRE_TOKENS_MAX ((size_t)4 << 20)

/* A character that stands for a space in SentencePiece's tokens: U+2581. */
#define QUIRE_PIECE_SPACE "\xe2\x96\x81"

/* How the text of a vocabulary is cut into tokens. */
enum tokenizer_kind {
	TOKENIZER_BYTE_BPE,  /* GPT-2's: each byte is a character */
	TOKENIZER_PIECE_BPE, /* SentencePiece's: a token a byte is the last way
			      */
	TOKENIZER_WORDPIECE,
	TOKENIZER_UNIGRAM,
};

struct tokenizer_source {
	struct json_file *json;	  /* tokenizer.json */
	struct json_file *config; /* tokenizer_config.json, or NULL */
	struct json_file *genai;  /* genai_config.json, or NULL */
	struct json_file *hf;	  /* config.json, or NULL */
	struct json_value root;	  /* of tokenizer.json */
	struct json_value model;
	enum tokenizer_kind kind;
	size_t vocab_size; /* of the model in tokenizer.json: ids below */
	/* By token: how many merges make it, and its place among the tokens
	 * that merges make, in the order of the list; of BPE. */
	uint32_t *merge_counts;
	uint32_t *ranks;
	uint32_t rank_count;
	char *template_text;
	struct arena arena;
	struct item_index index; /* tokens by the text in tokenizer.json */
};

/* Zeroed items that live as long as the tokenizer, or MEMORY. */
quire_status quire_tokenizer_own(struct tokenizer *tokenizer, size_t count,
				 size_t size, void *items, quire_error *error);

/* A sentence for the report; at most QUIRE_TOKENIZER_NOTES_MAX of them. */
void quire_tokenizer_note(struct tokenizer *tokenizer, const char *note);

/* Whether a key of an object is this text; its truth, or what stands for a key
 * that is missing or of another type. */
bool quire_tokenizer_text_is(const struct json_value *object, const char *key,
			     const char *text);
bool quire_tokenizer_bool_or(const struct json_value *object, const char *key,
			     bool otherwise);

/* The id of a token, by its text in tokenizer.json; or QUIRE_NO_TOKEN. */
uint32_t quire_tokenizer_find(const struct tokenizer *tokenizer,
			      quire_string token);

/* Tokens and types, with the text that tokenizer.json has. */
quire_status quire_tokenizer_read_vocab(struct tokenizer *tokenizer,
					size_t rows, quire_error *error);
/* Merges, checked; for the kinds that have any. */
quire_status quire_tokenizer_read_merges(struct tokenizer *tokenizer,
					 quire_error *error);
/* Scores. */
quire_status quire_tokenizer_read_scores(struct tokenizer *tokenizer,
					 quire_error *error);
/* Brings the text of tokens into llama.cpp's form. The last step: after it
 * tokens are found by that text. */
quire_status quire_tokenizer_rewrite(struct tokenizer *tokenizer,
				     quire_error *error);

/* The pre-tokenizer's and the normalizer's name, and what they alone say. */
quire_status quire_tokenizer_read_pre(struct tokenizer *tokenizer,
				      const char *pre, quire_error *error);

/* Of Unigram: the normalizer's table. */
quire_status quire_tokenizer_read_charsmap(struct tokenizer *tokenizer,
					   quire_error *error);

/* Of WordPiece: what the normalizer does. */
quire_status quire_tokenizer_read_bert(struct tokenizer *tokenizer,
				       quire_error *error);

/* Ids and flags of special tokens. */
quire_status quire_tokenizer_read_special(struct tokenizer *tokenizer,
					  quire_error *error);

#endif
