/*
 * tokenizer_vocab.c - the tokens by id with their types: those of the model in
 * tokenizer.json, the added ones, and the padding up to the embedding's rows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "convert/llama/tokenizer_private.h"
#include "format/value.h"

/* Where a token was met first. */
struct entry {
	quire_string text;
	uint32_t id;
	enum token_type type;
};

/* ------------------------------------------------------------------ its type
 */

static bool text_is(quire_string text, const char *other)
{
	return quire_string_equal(text, quire_string_of(other));
}

static bool ends(quire_string text, const char *suffix)
{
	const size_t size = strlen(suffix);

	return text.size >= size &&
	       memcmp(text.data + text.size - size, suffix, size) == 0;
}

static bool encloses(const char *prefix, quire_string text, const char *suffix)
{
	return quire_string_starts(text, prefix) && ends(text, suffix);
}

/* Added tokens that are not marked as special though they are, by their look:
 * the rule of llama.cpp's convert_hf_to_gguf. */
static bool looks_special(quire_string text)
{
	return text_is(text, "<pad>") || text_is(text, "<mask>") ||
	       text_is(text, "<2mass>") || text_is(text, "[@BOS@]") ||
	       encloses("<|", text, "|>") ||
	       encloses("<\xef\xbd\x9c", text, "\xef\xbd\x9c>") ||
	       encloses("<unused", text, ">");
}

/* <0x00> to <0xFF>: one byte, where no other token has a character. */
static bool is_byte(quire_string text)
{
	return text.size == 6 && encloses("<0x", text, ">") &&
	       strspn(text.data + 3, "0123456789ABCDEF") == 2;
}

static bool has_pieces(const struct tokenizer *tokenizer)
{
	return tokenizer->source->kind == TOKENIZER_PIECE_BPE ||
	       tokenizer->source->kind == TOKENIZER_UNIGRAM;
}

static enum token_type type_of(const struct tokenizer *tokenizer,
			       quire_string text, quire_string unknown)
{
	if (!has_pieces(tokenizer))
		return TOKEN_NORMAL;
	if (is_byte(text))
		return TOKEN_BYTE;
	return quire_string_equal(text, unknown) ? TOKEN_UNKNOWN : TOKEN_NORMAL;
}

/* ------------------------------------------------------------------- by id */

static quire_status check_id(const struct json_value *place, size_t rows,
			     uint32_t id, quire_error *error)
{
	if (rows > 0 && id >= rows)
		return quire_json_fail(
		    place, QUIRE_ERROR_LAYOUT, error,
		    "is the id %" PRIu32 ", but the model's embedding has "
		    "%zu rows: this is the tokenizer of another model",
		    id, rows);
	if (id >= QUIRE_TOKENS_MAX)
		return quire_json_fail(
		    place, QUIRE_ERROR_LAYOUT, error,
		    "is the id %" PRIu32 ", and no vocabulary is as large", id);
	return QUIRE_OK;
}

/* The ids of a vocabulary are those from 0 on, each once: as many as there are
 * tokens and none missing, by check_holes. */
static quire_status count_vocab(struct tokenizer *tokenizer,
				const struct json_value *vocab, size_t rows,
				quire_error *error)
{
	struct json_value item = { .file = vocab->file, .inside = vocab };
	size_t *count = &tokenizer->source->vocab_size;
	quire_status status;

	*count = 0;
	if (tokenizer->source->kind == TOKENIZER_UNIGRAM) {
		status = quire_json_count(vocab, count, error);
		if (status != QUIRE_OK || *count == 0)
			return status;
		return check_id(vocab, rows, (uint32_t)(*count - 1), error);
	}
	if (!json_is_object(vocab->json))
		return quire_json_fail(vocab, QUIRE_ERROR_LAYOUT, error,
				       "is no object of tokens and ids");
	json_object_foreach(vocab->json, item.key, item.json)
	{
		uint32_t id;

		status = quire_json_u32(&item, &id, error);
		if (status == QUIRE_OK)
			status = check_id(&item, rows, id, error);
		if (status != QUIRE_OK)
			return status;
		if (id >= *count)
			*count = (size_t)id + 1;
	}
	return QUIRE_OK;
}

/* Gemma 3 has one tokenizer for models that see and models that do not, whose
 * embeddings lack the row of its last token, an added one. */
static bool is_left_out(const struct tokenizer *tokenizer, size_t rows,
			uint32_t id)
{
	return tokenizer->source->kind == TOKENIZER_PIECE_BPE && rows > 0 &&
	       id >= rows && tokenizer->source->vocab_size == rows;
}

static quire_status count_added(const struct tokenizer *tokenizer,
				const struct json_value *added, size_t rows,
				size_t *count, quire_error *error)
{
	size_t items;
	quire_status status = quire_json_count(added, &items, error);

	for (size_t i = 0; i < items && status == QUIRE_OK; i++) {
		const struct json_value item = quire_json_item(added, i);
		struct json_value value;
		uint32_t id = 0;

		status = quire_json_get(&item, "id", &value, error);
		if (status == QUIRE_OK)
			status = quire_json_u32(&value, &id, error);
		if (status == QUIRE_OK && is_left_out(tokenizer, rows, id))
			continue;
		if (status == QUIRE_OK)
			status = check_id(&value, rows, id, error);
		if (status == QUIRE_OK && id >= *count)
			*count = (size_t)id + 1;
	}
	return status;
}

static quire_status put(struct tokenizer *tokenizer,
			const struct json_value *place,
			const struct entry *entry, quire_error *error)
{
	quire_string *token = &tokenizer->tokens[entry->id];

	if (token->data && !quire_string_equal(*token, entry->text))
		return quire_json_fail(place, QUIRE_ERROR_LAYOUT, error,
				       "is '%.40s' with the id %" PRIu32
				       ", which '%.40s' has already",
				       entry->text.data, entry->id,
				       token->data);
	*token = entry->text;
	tokenizer->types[entry->id] = (int32_t)entry->type;
	return QUIRE_OK;
}

/* The text of the token for what no other token covers. */
static quire_status read_unknown(const struct tokenizer *tokenizer,
				 quire_string *unknown, quire_error *error)
{
	const struct json_value *model = &tokenizer->source->model;
	struct json_value value;

	*unknown = (quire_string){ NULL, 0 };
	if (!quire_json_find(model, "unk_token", &value))
		return QUIRE_OK;
	return quire_json_string(&value, unknown, error);
}

static quire_status put_vocab(struct tokenizer *tokenizer,
			      const struct json_value *vocab,
			      quire_error *error)
{
	struct json_value item = { .file = vocab->file, .inside = vocab };
	quire_string unknown;
	quire_status status = read_unknown(tokenizer, &unknown, error);

	json_object_foreach(vocab->json, item.key, item.json)
	{
		struct entry entry = { quire_string_of(item.key), 0,
				       TOKEN_NORMAL };

		if (status == QUIRE_OK)
			status = quire_json_u32(&item, &entry.id, error);
		if (status != QUIRE_OK)
			break;
		entry.type = type_of(tokenizer, entry.text, unknown);
		status = put(tokenizer, &item, &entry, error);
	}
	return status;
}

/* A list of pairs: a piece and its logarithmic probability. */
static quire_status put_unigram(struct tokenizer *tokenizer,
				const struct json_value *vocab,
				quire_error *error)
{
	const struct json_value *model = &tokenizer->source->model;
	const size_t count = tokenizer->source->vocab_size;
	uint32_t unknown = QUIRE_NO_TOKEN;
	quire_status status = QUIRE_OK;

	if (quire_json_find(model, "unk_id", NULL))
		status = quire_json_get_u32(model, "unk_id", &unknown, error);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		const struct json_value pair = quire_json_item(vocab, i);
		struct entry entry = { .id = (uint32_t)i };
		struct json_value piece;
		size_t size;

		status = quire_json_count(&pair, &size, error);
		if (status == QUIRE_OK && size != 2)
			status =
			    quire_json_fail(&pair, QUIRE_ERROR_LAYOUT, error,
					    "is no pair of a piece and "
					    "its score");
		if (status != QUIRE_OK)
			break;
		piece = quire_json_item(&pair, 0);
		status = quire_json_string(&piece, &entry.text, error);
		if (status != QUIRE_OK)
			break;
		entry.type = i == unknown ? TOKEN_UNKNOWN
					  : type_of(tokenizer, entry.text,
						    (quire_string){ 0 });
		status = put(tokenizer, &piece, &entry, error);
	}
	return status;
}

static quire_status put_added(struct tokenizer *tokenizer,
			      const struct json_value *added,
			      quire_error *error)
{
	size_t count;
	quire_status status = quire_json_count(added, &count, error);

	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		const struct json_value item = quire_json_item(added, i);
		struct entry entry = { .id = 0 };
		bool special = false;

		status = quire_json_get_u32(&item, "id", &entry.id, error);
		if (status == QUIRE_OK && entry.id >= tokenizer->token_count)
			continue; /* left out */
		if (status == QUIRE_OK)
			status = quire_json_get_string(&item, "content",
						       &entry.text, error);
		if (status == QUIRE_OK)
			status = quire_json_get_bool(&item, "special", &special,
						     error);
		if (status != QUIRE_OK)
			break;
		if (entry.text.size == 0)
			return quire_json_fail(&item, QUIRE_ERROR_LAYOUT, error,
					       "has no text");
		entry.type = special || looks_special(entry.text)
				 ? TOKEN_CONTROL
				 : TOKEN_USER_DEFINED;
		status = put(tokenizer, &item, &entry, error);
	}
	return status;
}

/* Behind the last token that is not an added one. */
static size_t find_end(const struct tokenizer *tokenizer)
{
	size_t end = 0;

	for (size_t id = 0; id < tokenizer->token_count; id++)
		if (tokenizer->tokens[id].data &&
		    tokenizer->types[id] != TOKEN_CONTROL &&
		    tokenizer->types[id] != TOKEN_USER_DEFINED)
			end = id + 1;
	return end;
}

/* Ids without a token: below the vocabulary's end something is missing. Among
 * the added tokens they are common, and nothing ever gives them. */
static quire_status fill_holes(struct tokenizer *tokenizer,
			       const struct json_value *vocab,
			       quire_error *error)
{
	const size_t end = find_end(tokenizer);

	for (size_t id = 0; id < tokenizer->token_count; id++) {
		char *text;
		quire_status status;

		if (tokenizer->tokens[id].data)
			continue;
		if (id < end)
			return quire_json_fail(
			    vocab, QUIRE_ERROR_LAYOUT, error,
			    "has no token with the id %zu, but some with "
			    "greater ids",
			    id);
		status = quire_tokenizer_own(tokenizer, 32, 1, &text, error);
		if (status != QUIRE_OK)
			return status;
		snprintf(text, 32, "[PAD%zu]", id);
		tokenizer->tokens[id] = quire_string_of(text);
		tokenizer->types[id] = TOKEN_UNUSED;
	}
	return QUIRE_OK;
}

static quire_status index_tokens(struct tokenizer *tokenizer,
				 quire_error *error)
{
	struct item_index *index = &tokenizer->source->index;
	quire_status status;

	index->items = tokenizer->tokens;
	index->item_size = sizeof(*tokenizer->tokens);
	index->seed = (uint64_t)(uintptr_t)tokenizer;
	status =
	    quire_item_index_reserve(index, tokenizer->token_count + 1, error);
	for (size_t id = 0; id < tokenizer->token_count && status == QUIRE_OK;
	     id++) {
		const size_t first = quire_item_index_add(index);

		if (first != id)
			return quire_json_fail(
			    &tokenizer->source->root, QUIRE_ERROR_LAYOUT, error,
			    "file has '%.40s' twice, as the tokens %zu and "
			    "%zu",
			    tokenizer->tokens[id].data, first, id);
	}
	return status;
}

static quire_status allocate(struct tokenizer *tokenizer, quire_error *error)
{
	const size_t count = tokenizer->token_count;
	quire_status status =
	    quire_tokenizer_own(tokenizer, count, sizeof(*tokenizer->tokens),
				&tokenizer->tokens, error);

	if (status != QUIRE_OK)
		return status;
	return quire_tokenizer_own(tokenizer, count, sizeof(*tokenizer->types),
				   &tokenizer->types, error);
}

quire_status quire_tokenizer_read_vocab(struct tokenizer *tokenizer,
					size_t rows, quire_error *error)
{
	struct tokenizer_source *source = tokenizer->source;
	struct json_value vocab, added;
	const bool has_added =
	    quire_json_find(&source->root, "added_tokens", &added);
	quire_status status;

	if (rows > QUIRE_TOKENS_MAX)
		return quire_fail(error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "the embedding has %zu rows, more than any "
				  "vocabulary",
				  rows);
	status = quire_json_get(&source->model, "vocab", &vocab, error);
	if (status == QUIRE_OK)
		status = count_vocab(tokenizer, &vocab, rows, error);
	tokenizer->token_count = source->vocab_size;
	if (status == QUIRE_OK && has_added)
		status = count_added(tokenizer, &added, rows,
				     &tokenizer->token_count, error);
	if (status == QUIRE_OK && source->vocab_size == 0)
		status = quire_json_fail(&vocab, QUIRE_ERROR_LAYOUT, error,
					 "has no tokens");
	if (tokenizer->token_count < rows)
		tokenizer->token_count = rows;
	if (status == QUIRE_OK)
		status = allocate(tokenizer, error);
	if (status == QUIRE_OK)
		status = source->kind == TOKENIZER_UNIGRAM
			     ? put_unigram(tokenizer, &vocab, error)
			     : put_vocab(tokenizer, &vocab, error);
	if (status == QUIRE_OK && has_added)
		status = put_added(tokenizer, &added, error);
	if (status == QUIRE_OK)
		status = fill_holes(tokenizer, &vocab, error);
	if (status == QUIRE_OK)
		status = index_tokens(tokenizer, error);
	return status;
}

/* ------------------------------------------------------- llama.cpp's form */

static quire_status spaces_for_marks(struct tokenizer *tokenizer,
				     quire_string *token, quire_error *error)
{
	const size_t mark = strlen(QUIRE_PIECE_SPACE);
	const char *from = token->data, *end = from + token->size, *found;
	char *to, *start;
	quire_status status;

	if (!strstr(from, QUIRE_PIECE_SPACE))
		return QUIRE_OK;
	status =
	    quire_tokenizer_own(tokenizer, token->size + 1, 1, &start, error);
	if (status != QUIRE_OK)
		return status;
	to = start;
	while ((found = strstr(from, QUIRE_PIECE_SPACE))) {
		memcpy(to, from, (size_t)(found - from));
		to += found - from;
		*to++ = ' ';
		from = found + mark;
	}
	memcpy(to, from, (size_t)(end - from));
	*token = (quire_string){ start,
				 (size_t)(to - start) + (size_t)(end - from) };
	return QUIRE_OK;
}

/* WordPiece marks what continues a word, llama.cpp what begins one. */
static quire_status mark_start(struct tokenizer *tokenizer, quire_string *token,
			       quire_error *error)
{
	const size_t mark = strlen(QUIRE_PIECE_SPACE);
	char *made;
	quire_status status;

	if (quire_string_starts(*token, "##")) {
		token->data += 2;
		token->size -= 2;
		return QUIRE_OK;
	}
	status = quire_tokenizer_own(tokenizer, mark + token->size + 1, 1,
				     &made, error);
	if (status != QUIRE_OK)
		return status;
	memcpy(made, QUIRE_PIECE_SPACE, mark);
	memcpy(made + mark, token->data, token->size);
	*token = (quire_string){ made, mark + token->size };
	return QUIRE_OK;
}

quire_status quire_tokenizer_rewrite(struct tokenizer *tokenizer,
				     quire_error *error)
{
	const bool words = tokenizer->source->kind == TOKENIZER_WORDPIECE;
	quire_status status = QUIRE_OK;

	for (size_t id = 0; id < tokenizer->token_count && status == QUIRE_OK;
	     id++) {
		quire_string *token = &tokenizer->tokens[id];

		if (tokenizer->types[id] == TOKEN_USER_DEFINED)
			status = spaces_for_marks(tokenizer, token, error);
		if (words && status == QUIRE_OK &&
		    tokenizer->types[id] != TOKEN_CONTROL)
			status = mark_start(tokenizer, token, error);
	}
	/* llama.cpp ends the process for a text that two tokens have. */
	quire_item_index_free(&tokenizer->source->index);
	if (status == QUIRE_OK)
		status = index_tokens(tokenizer, error);
	return status;
}
