/*
 * tokenizer_merges.c - the merges of BPE, the scores of SentencePiece, and the
 * table of its normalizer.
 *
 * llama.cpp's "gpt2" merges by the list of merges, as tokenizer.json does. Its
 * "llama" has no list: it merges any two neighbours whose text is a token, the
 * one with the greatest score first. That is the same if the list is made of
 * the scores, as SentencePiece's is.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "convert/llama/tokenizer_private.h"
#include "format/value.h"

/* Scores of tokens that are not merged from others by rank: convert_hf_to_gguf
 * gives added tokens the first and padding the second. */
#define SCORE_ADDED  (-1000.0F)
#define SCORE_UNUSED (-10000.0F)

/* A merge: two tokens, by their texts and ids, that become a third. */
struct merge {
	quire_string left, right;
	uint32_t result;
};

/* -------------------------------------------------------------- one of them */

/* "left right", with one space; or ["left", "right"], as newer files have. */
static quire_status split(const struct json_value *item, struct merge *merge,
			  quire_error *error)
{
	struct json_value part;
	const char *space;
	quire_string text;
	size_t count;
	quire_status status;

	if (json_is_string(item->json)) {
		status = quire_json_string(item, &text, error);
		space = status == QUIRE_OK ? strchr(text.data, ' ') : NULL;
		if (!space || strchr(space + 1, ' '))
			return quire_json_fail(item, QUIRE_ERROR_LAYOUT, error,
					       "'%.40s' is not two tokens "
					       "with a space between",
					       text.data);
		merge->left =
		    (quire_string){ text.data, (size_t)(space - text.data) };
		merge->right = quire_string_of(space + 1);
		return status;
	}
	status = quire_json_count(item, &count, error);
	if (status == QUIRE_OK && count != 2)
		status = quire_json_fail(item, QUIRE_ERROR_LAYOUT, error,
					 "is not two tokens");
	for (size_t i = 0; i < 2 && status == QUIRE_OK; i++) {
		part = quire_json_item(item, i);
		status = quire_json_string(
		    &part, i == 0 ? &merge->left : &merge->right, error);
	}
	return status;
}

static quire_status fail_part(const struct tokenizer *tokenizer,
			      const struct json_value *item, quire_string part,
			      quire_error *error)
{
	return quire_json_fail(item, QUIRE_ERROR_LAYOUT, error,
			       "has '%.*s', which is no token of the "
			       "vocabulary (%zu tokens)",
			       part.size > 40 ? 40 : (int)part.size, part.data,
			       tokenizer->token_count);
}

struct merging {
	struct tokenizer *tokenizer;
	char *text;    /* room for that of any two tokens */
	uint32_t last; /* what the merge before this one makes */
};

/* "left right" as llama.cpp has it. */
static quire_status write_merge(struct tokenizer *tokenizer,
				const struct json_value *item,
				const struct merge *merge, quire_string *text,
				quire_error *error)
{
	const size_t left = merge->left.size, right = merge->right.size;
	char *made;
	quire_status status;

	if (json_is_string(item->json))
		return quire_json_string(item, text, error);
	if (memchr(merge->left.data, ' ', left) ||
	    memchr(merge->right.data, ' ', right))
		return quire_json_fail(item, QUIRE_ERROR_UNSUPPORTED, error,
				       "has a space in a token, which "
				       "llama.cpp's merges cannot have");
	status =
	    quire_tokenizer_own(tokenizer, left + right + 2, 1, &made, error);
	if (status != QUIRE_OK)
		return status;
	memcpy(made, merge->left.data, left);
	made[left] = ' ';
	memcpy(made + left + 1, merge->right.data, right);
	*text = (quire_string){ made, left + 1 + right };
	return QUIRE_OK;
}

/* Finds all three tokens in the vocabulary. */
static quire_status check(const struct merging *in,
			  const struct json_value *item, struct merge *merge,
			  quire_error *error)
{
	const size_t left = merge->left.size, right = merge->right.size;
	quire_string both = { in->text, left + right };

	if (quire_tokenizer_find(in->tokenizer, merge->left) == QUIRE_NO_TOKEN)
		return fail_part(in->tokenizer, item, merge->left, error);
	if (quire_tokenizer_find(in->tokenizer, merge->right) == QUIRE_NO_TOKEN)
		return fail_part(in->tokenizer, item, merge->right, error);
	/* Two tokens, so they fit. */
	memcpy(in->text, merge->left.data, left);
	memcpy(in->text + left, merge->right.data, right);
	merge->result = quire_tokenizer_find(in->tokenizer, both);
	return merge->result == QUIRE_NO_TOKEN
		   ? fail_part(in->tokenizer, item, both, error)
		   : QUIRE_OK;
}

/* -------------------------------------------------------------- all of them */

/* Byte-level BPE: a token of one character is a byte; SentencePiece's: a
 * character. */
static bool is_character(quire_string text)
{
	return text.size > 0 &&
	       quire_utf8_size(text.data, text.size) == text.size;
}

/* Whether only merges lead to this token. */
static bool wants_merge(const struct tokenizer *tokenizer, size_t id)
{
	return tokenizer->types[id] == TOKEN_NORMAL &&
	       id < tokenizer->source->vocab_size &&
	       !is_character(tokenizer->tokens[id]);
}

/*
 * A list that ends too early leaves tokens that nothing makes, the last ones
 * first: tokens have their ids in the order of their merges. A few such tokens
 * are common elsewhere.
 */
static quire_status check_whole(const struct merging *in,
				const struct json_value *merges,
				quire_error *error)
{
	const struct tokenizer *tokenizer = in->tokenizer;
	const struct tokenizer_source *source = tokenizer->source;
	size_t wanted = 0, unmade = 0, last = 0;

	for (size_t id = 0; id < tokenizer->token_count; id++) {
		if (!wants_merge(tokenizer, id))
			continue;
		wanted++;
		unmade += source->merge_counts[id] == 0;
		last = id;
	}
	if (wanted == 0 ||
	    (source->merge_counts[last] > 0 && unmade <= wanted / 16))
		return QUIRE_OK;
	return quire_json_fail(merges, QUIRE_ERROR_LAYOUT, error,
			       "makes none of %zu of %zu tokens, as '%.40s' "
			       "(%zu): the list is truncated",
			       unmade, wanted, tokenizer->tokens[last].data,
			       last);
}

/*
 * Notes what a merge makes. SentencePiece's list is made of scores, a score a
 * token: all merges that make one token lie together. Added tokens are found
 * before anything is merged.
 */
static quire_status note(struct merging *in, const struct json_value *item,
			 uint32_t result, quire_error *error)
{
	struct tokenizer_source *source = in->tokenizer->source;

	if (source->merge_counts[result]++ == 0)
		source->ranks[result] = source->rank_count++;
	else if (source->kind == TOKENIZER_PIECE_BPE && result != in->last &&
		 in->tokenizer->types[result] == TOKEN_NORMAL)
		return quire_json_fail(
		    item, QUIRE_ERROR_UNSUPPORTED, error,
		    "makes '%.40s' again, after other tokens: llama.cpp "
		    "merges by scores, and none say that",
		    in->tokenizer->tokens[result].data);
	in->last = result;
	return QUIRE_OK;
}

static quire_status read_each(struct merging *in,
			      const struct json_value *merges,
			      quire_error *error)
{
	struct tokenizer *tokenizer = in->tokenizer;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < tokenizer->merge_count && status == QUIRE_OK;
	     i++) {
		const struct json_value item = quire_json_item(merges, i);
		struct merge merge = { .result = 0 };

		status = split(&item, &merge, error);
		if (status == QUIRE_OK)
			status = check(in, &item, &merge, error);
		if (status == QUIRE_OK)
			status = write_merge(tokenizer, &item, &merge,
					     &tokenizer->merges[i], error);
		if (status == QUIRE_OK)
			status = note(in, &item, merge.result, error);
	}
	return status;
}

static quire_status begin(struct merging *in, quire_error *error)
{
	struct tokenizer *tokenizer = in->tokenizer;
	struct tokenizer_source *source = tokenizer->source;
	const size_t count = tokenizer->token_count;
	size_t longest = 0;
	quire_status status;

	for (size_t id = 0; id < count; id++)
		if (tokenizer->tokens[id].size > longest)
			longest = tokenizer->tokens[id].size;
	status = quire_tokenizer_own(tokenizer, 2 * longest + 1, 1, &in->text,
				     error);
	if (status == QUIRE_OK)
		status = quire_tokenizer_own(tokenizer, count,
					     sizeof(*source->merge_counts),
					     &source->merge_counts, error);
	if (status == QUIRE_OK)
		status = quire_tokenizer_own(tokenizer, count,
					     sizeof(*source->ranks),
					     &source->ranks, error);
	return status;
}

quire_status quire_tokenizer_read_merges(struct tokenizer *tokenizer,
					 quire_error *error)
{
	const struct tokenizer_source *source = tokenizer->source;
	struct merging in = { .tokenizer = tokenizer };
	struct json_value merges;
	quire_status status;

	if (source->kind != TOKENIZER_BYTE_BPE &&
	    source->kind != TOKENIZER_PIECE_BPE)
		return QUIRE_OK;
	status = quire_json_get(&source->model, "merges", &merges, error);
	if (status == QUIRE_OK)
		status =
		    quire_json_count(&merges, &tokenizer->merge_count, error);
	if (status == QUIRE_OK)
		status = quire_tokenizer_own(tokenizer, tokenizer->merge_count,
					     sizeof(*tokenizer->merges),
					     &tokenizer->merges, error);
	if (status == QUIRE_OK)
		status = begin(&in, error);
	if (status == QUIRE_OK)
		status = read_each(&in, &merges, error);
	if (status == QUIRE_OK)
		status = check_whole(&in, &merges, error);
	return status;
}

/* ------------------------------------------------------------------- scores */

/* In how many ways two tokens make this one. */
static size_t count_ways(const struct tokenizer *tokenizer, quire_string token)
{
	size_t ways = 0, at = 0;

	while ((at += quire_utf8_size(token.data + at, token.size - at)) <
	       token.size) {
		const quire_string left = { token.data, at };
		const quire_string right = { token.data + at, token.size - at };

		ways +=
		    quire_tokenizer_find(tokenizer, left) != QUIRE_NO_TOKEN &&
		    quire_tokenizer_find(tokenizer, right) != QUIRE_NO_TOKEN;
	}
	return ways;
}

/* llama.cpp merges any two tokens that make a third, so the list must have all
 * such pairs. */
static quire_status check_ways(const struct tokenizer *tokenizer,
			       const struct json_value *merges,
			       quire_error *error)
{
	const struct tokenizer_source *source = tokenizer->source;

	for (size_t id = 0; id < source->vocab_size; id++) {
		const quire_string token = tokenizer->tokens[id];
		size_t ways;

		if (!wants_merge(tokenizer, id))
			continue;
		ways = count_ways(tokenizer, token);
		if (ways != source->merge_counts[id])
			return quire_json_fail(
			    merges, QUIRE_ERROR_LAYOUT, error,
			    "makes '%.40s' (%zu) in %" PRIu32 " ways, and the "
			    "vocabulary in %zu: the list is truncated, or "
			    "not SentencePiece's",
			    token.data, id, source->merge_counts[id], ways);
	}
	return QUIRE_OK;
}

/*
 * SentencePiece numbers what it merges by falling scores, 0, -1, -2 and so on,
 * and then the characters. Other tokens are never merged; they have the scores
 * that convert_hf_to_gguf gives them.
 */
static void score_pieces(struct tokenizer *tokenizer)
{
	const struct tokenizer_source *source = tokenizer->source;
	uint32_t next = source->rank_count;

	for (size_t id = 0; id < tokenizer->token_count; id++) {
		float *score = &tokenizer->scores[id];

		if (tokenizer->types[id] == TOKEN_UNUSED)
			*score = SCORE_UNUSED;
		else if (tokenizer->types[id] == TOKEN_CONTROL ||
			 tokenizer->types[id] == TOKEN_USER_DEFINED)
			*score = SCORE_ADDED;
		else if (source->merge_counts[id] > 0)
			*score = -(float)source->ranks[id];
		else if (tokenizer->types[id] == TOKEN_NORMAL)
			*score = -(float)next++;
	}
}

/* A byte of text that no token has becomes a token for that byte. */
static quire_status check_bytes(const struct tokenizer *tokenizer,
				quire_error *error)
{
	size_t count = 0;

	for (size_t id = 0; id < tokenizer->token_count; id++)
		count += tokenizer->types[id] == TOKEN_BYTE;
	if (count == 256)
		return QUIRE_OK;
	return quire_json_fail(&tokenizer->source->model, QUIRE_ERROR_LAYOUT,
			       error,
			       "has byte_fallback and %zu of the 256 tokens "
			       "<0x00> to <0xFF>",
			       count);
}

/* Logarithms of probabilities, beside each piece. */
static quire_status score_unigram(struct tokenizer *tokenizer,
				  const struct json_value *vocab,
				  quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (size_t id = 0; id < tokenizer->token_count && status == QUIRE_OK;
	     id++) {
		struct json_value pair, score;
		double number = tokenizer->types[id] == TOKEN_UNUSED
				    ? SCORE_UNUSED
				    : SCORE_ADDED;

		if (id < tokenizer->source->vocab_size) {
			pair = quire_json_item(vocab, id);
			score = quire_json_item(&pair, 1);
			status = quire_json_f64(&score, &number, error);
		}
		tokenizer->scores[id] = (float)number;
	}
	return status;
}

quire_status quire_tokenizer_read_scores(struct tokenizer *tokenizer,
					 quire_error *error)
{
	const struct tokenizer_source *source = tokenizer->source;
	const bool unigram = source->kind == TOKENIZER_UNIGRAM;
	struct json_value list;
	quire_status status;

	if (!unigram && source->kind != TOKENIZER_PIECE_BPE)
		return QUIRE_OK;
	status = quire_tokenizer_own(tokenizer, tokenizer->token_count,
				     sizeof(*tokenizer->scores),
				     &tokenizer->scores, error);
	if (status == QUIRE_OK)
		status = quire_json_get(
		    &source->model, unigram ? "vocab" : "merges", &list, error);
	if (status != QUIRE_OK || unigram)
		return status == QUIRE_OK
			   ? score_unigram(tokenizer, &list, error)
			   : status;
	status = check_bytes(tokenizer, error);
	if (status == QUIRE_OK)
		status = check_ways(tokenizer, &list, error);
	score_pieces(tokenizer);
	/* llama.cpp's "llama" reads no merges. */
	tokenizer->merge_count = 0;
	return status;
}

/* ----------------------------------------------------- Unigram's normalizer */

/* The number of a character of base64 (RFC 4648), or 64. */
static unsigned int sextet(char character)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
				     "nopqrstuvwxyz0123456789+/";
	const char *found = character ? strchr(digits, character) : NULL;

	return found ? (unsigned int)(found - digits) : 64;
}

/* The table of a Precompiled normalizer: base64. */
static quire_status decode_charsmap(struct tokenizer *tokenizer,
				    const struct json_value *step,
				    quire_error *error)
{
	quire_string text = { NULL, 0 };
	unsigned char *bytes = NULL;
	size_t size = 0;
	unsigned int bits = 0, bit_count = 0;
	quire_status status;

	status =
	    quire_json_get_string(step, "precompiled_charsmap", &text, error);
	while (status == QUIRE_OK && text.size > 0 &&
	       text.data[text.size - 1] == '=')
		text.size--;
	if (status == QUIRE_OK)
		status = quire_tokenizer_own(tokenizer, text.size + 1, 1,
					     &bytes, error);
	for (size_t i = 0; i < text.size && status == QUIRE_OK; i++) {
		const unsigned int value = sextet(text.data[i]);

		if (value == 64)
			return quire_json_fail(step, QUIRE_ERROR_LAYOUT, error,
					       "has a precompiled_charsmap "
					       "that is not base64");
		bits = bits << 6 | value;
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			bytes[size++] = (unsigned char)(bits >> bit_count);
		}
	}
	tokenizer->charsmap = (quire_string){ (const char *)bytes, size };
	return status;
}

/* Finds the Precompiled step, alone or the first of a sequence. */
quire_status quire_tokenizer_read_charsmap(struct tokenizer *tokenizer,
					   quire_error *error)
{
	struct json_value normalizer, list, step;
	quire_string map;
	size_t count;
	quire_status status;

	status = quire_json_get(&tokenizer->source->root, "normalizer",
				&normalizer, error);
	step = normalizer;
	if (status == QUIRE_OK &&
	    quire_tokenizer_text_is(&normalizer, "type", "Sequence")) {
		status =
		    quire_json_get(&normalizer, "normalizers", &list, error);
		if (status == QUIRE_OK)
			status = quire_json_count(&list, &count, error);
		if (status == QUIRE_OK)
			step = quire_json_item(&list, 0);
	}
	if (status == QUIRE_OK)
		status = decode_charsmap(tokenizer, &step, error);
	/* llama.cpp ends the process for a table whose first number, the size
	 * of its first part, does not fit. */
	map = tokenizer->charsmap;
	if (status == QUIRE_OK && (map.size <= 4 || load_u32(map.data) % 4 ||
				   load_u32(map.data) >= map.size - 4))
		status = quire_json_fail(&step, QUIRE_ERROR_LAYOUT, error,
					 "has a precompiled_charsmap whose "
					 "first part does not fit");
	return status;
}
