/*
 * tokenizer.c - the files, the kind of the tokenizer, the order of steps; and
 * the result as keys of a GGUF file.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "convert/llama/tokenizer_private.h"
#include "format/value.h"

quire_status quire_tokenizer_own(struct tokenizer *tokenizer, size_t count,
				 size_t size, void *items, quire_error *error)
{
	void *made = quire_arena_own(&tokenizer->source->arena, count, size);

	if (!made)
		return quire_fail_memory(error, (uint64_t)count * size);
	memcpy(items, &made, sizeof(made));
	return QUIRE_OK;
}

uint32_t quire_tokenizer_find(const struct tokenizer *tokenizer,
			      quire_string token)
{
	const size_t found =
	    quire_item_index_find(&tokenizer->source->index, token, 0);

	return found == QUIRE_NO_ITEM ? QUIRE_NO_TOKEN : (uint32_t)found;
}

/* ---------------------------------------------------------------- the files */

/* A file that need not be there. */
static quire_status read_optional(const char *folder, const char *name,
				  struct json_file **file, quire_error *error)
{
	quire_error reported = { .status = QUIRE_OK };
	const quire_status status =
	    quire_json_read(folder, name, file, &reported);

	if (status == QUIRE_ERROR_NOT_FOUND)
		return QUIRE_OK;
	if (status != QUIRE_OK && error)
		*error = reported;
	return status;
}

static quire_status read_files(const char *folder,
			       struct tokenizer_source *source,
			       quire_error *error)
{
	quire_status status;

	status =
	    quire_json_read(folder, "tokenizer.json", &source->json, error);
	if (status == QUIRE_OK)
		status = read_optional(folder, "tokenizer_config.json",
				       &source->config, error);
	if (status == QUIRE_OK)
		status = read_optional(folder, "genai_config.json",
				       &source->genai, error);
	if (status == QUIRE_OK)
		status =
		    read_optional(folder, "config.json", &source->hf, error);
	if (status != QUIRE_OK)
		return status;
	source->root = quire_json_root(source->json);
	return quire_json_get(&source->root, "model", &source->model, error);
}

void quire_tokenizer_note(struct tokenizer *tokenizer, const char *note)
{
	assert(tokenizer->note_count < QUIRE_TOKENIZER_NOTES_MAX);
	tokenizer->notes[tokenizer->note_count++] = note;
}

bool quire_tokenizer_text_is(const struct json_value *object, const char *key,
			     const char *text)
{
	struct json_value found;
	quire_string its;

	return quire_json_find(object, key, &found) &&
	       quire_json_string(&found, &its, NULL) == QUIRE_OK &&
	       quire_string_equal(its, quire_string_of(text));
}

bool quire_tokenizer_bool_or(const struct json_value *object, const char *key,
			     bool otherwise)
{
	struct json_value found;
	bool truth;

	if (!quire_json_find(object, key, &found) ||
	    quire_json_bool(&found, &truth, NULL) != QUIRE_OK)
		return otherwise;
	return truth;
}

/* ----------------------------------------------------------------- its kind */

/* Old files do not name the type of BPE, the only one with merges. */
static bool is_bpe(const struct json_value *model)
{
	return quire_tokenizer_text_is(model, "type", "BPE") ||
	       (!quire_json_find(model, "type", NULL) &&
		quire_json_find(model, "merges", NULL));
}

/* Settings of BPE that llama.cpp does not have. */
static quire_status check_bpe(const struct tokenizer_source *source,
			      quire_error *error)
{
	const struct json_value *model = &source->model;
	quire_status status;
	static const char *const keys[] = { "continuing_subword_prefix",
					    "end_of_word_suffix" };
	struct json_value value;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (quire_json_find(model, keys[i], &value) &&
		    !quire_tokenizer_text_is(model, keys[i], ""))
			return quire_json_fail(&value, QUIRE_ERROR_UNSUPPORTED,
					       error,
					       "is something that llama.cpp's "
					       "BPE does not have");
	if (source->kind == TOKENIZER_PIECE_BPE)
		return QUIRE_OK;
	/* The decoder says it whatever the pre-tokenizer is. */
	status = quire_json_get(&source->root, "decoder", &value, error);
	if (status == QUIRE_OK &&
	    !quire_tokenizer_text_is(&value, "type", "ByteLevel"))
		status = quire_json_fail(&value, QUIRE_ERROR_UNSUPPORTED, error,
					 "is not ByteLevel: llama.cpp has no "
					 "BPE of characters without "
					 "byte_fallback");
	return status;
}

static quire_status find_kind(struct tokenizer *tokenizer, quire_error *error)
{
	struct tokenizer_source *source = tokenizer->source;
	const struct json_value *model = &source->model;
	struct json_value type;
	quire_string text = { "", 0 };

	if (is_bpe(model)) {
		const bool pieces =
		    quire_tokenizer_bool_or(model, "byte_fallback", false);

		source->kind =
		    pieces ? TOKENIZER_PIECE_BPE : TOKENIZER_BYTE_BPE;
		tokenizer->model = pieces ? "llama" : "gpt2";
		return check_bpe(source, error);
	}
	if (quire_tokenizer_text_is(model, "type", "WordPiece")) {
		source->kind = TOKENIZER_WORDPIECE;
		tokenizer->model = "bert";
	} else if (quire_tokenizer_text_is(model, "type", "Unigram")) {
		source->kind = TOKENIZER_UNIGRAM;
		tokenizer->model = "t5";
	} else {
		quire_status status =
		    quire_json_get(model, "type", &type, error);

		if (status == QUIRE_OK)
			status = quire_json_string(&type, &text, error);
		if (status != QUIRE_OK)
			return status;
		return quire_json_fail(
		    &type, QUIRE_ERROR_UNSUPPORTED, error,
		    "is '%.40s', a tokenizer that llama.cpp does not have; "
		    "it has BPE, WordPiece and Unigram",
		    text.data);
	}
	return QUIRE_OK;
}

/* ------------------------------------------------------------ the chat
 * template */

/* In tokenizer_config.json: text, or a list of objects. One is called
 * default. */
static quire_status read_inner(const struct tokenizer_source *source,
			       quire_string *text, quire_error *error)
{
	struct json_value root, value;
	size_t count;
	quire_status status;

	if (!source->config)
		return QUIRE_OK;
	root = quire_json_root(source->config);
	if (!quire_json_find(&root, "chat_template", &value))
		return QUIRE_OK;
	if (!json_is_array(value.json))
		return quire_json_string(&value, text, error);
	status = quire_json_count(&value, &count, error);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		const struct json_value item = quire_json_item(&value, i);

		if (quire_tokenizer_text_is(&item, "name", "default"))
			return quire_json_get_string(&item, "template", text,
						     error);
	}
	return status;
}

/* *text stays as it is if there is no such file. */
static quire_status read_file(struct tokenizer_source *source,
			      const char *folder, quire_string *text,
			      quire_error *error)
{
	static const char name[] = "chat_template.jinja";
	quire_error reported = { .status = QUIRE_OK };
	size_t size = 0;
	const quire_status status = quire_json_read_text(
	    folder, name, &source->template_text, &size, &reported);

	if (status == QUIRE_ERROR_NOT_FOUND)
		return QUIRE_OK;
	if (status != QUIRE_OK) {
		if (error)
			*error = reported;
		return status;
	}
	if (!quire_utf8_valid(source->template_text, size) ||
	    memchr(source->template_text, 0, size))
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "%s is not UTF-8 text", name);
	*text = (quire_string){ source->template_text, size };
	return QUIRE_OK;
}

static quire_status read_template(struct tokenizer *tokenizer,
				  const char *folder, quire_error *error)
{
	struct tokenizer_source *source = tokenizer->source;
	quire_string inner = { NULL, 0 }, file = { NULL, 0 };
	quire_status status;

	status = read_inner(source, &inner, error);
	if (status == QUIRE_OK)
		status = read_file(source, folder, &file, error);
	if (status != QUIRE_OK)
		return status;
	if (inner.data && file.data && !quire_string_equal(inner, file))
		return quire_fail(error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
				  "chat_template.jinja and the chat_template "
				  "of tokenizer_config.json differ; remove the "
				  "wrong one");
	tokenizer->chat_template = file.data ? file : inner;
	return QUIRE_OK;
}

/* ---------------------------------------------------------------- all of it */

static quire_status fill(const char *folder,
			 const struct tokenizer_options *options,
			 struct tokenizer *tokenizer, quire_error *error)
{
	quire_status status;

	status = read_files(folder, tokenizer->source, error);
	if (status == QUIRE_OK)
		status = find_kind(tokenizer, error);
	if (status == QUIRE_OK)
		status =
		    quire_tokenizer_read_vocab(tokenizer, options->rows, error);
	if (status == QUIRE_OK)
		status = quire_tokenizer_read_merges(tokenizer, error);
	if (status == QUIRE_OK)
		status = quire_tokenizer_read_scores(tokenizer, error);
	if (status == QUIRE_OK)
		status =
		    quire_tokenizer_read_pre(tokenizer, options->pre, error);
	if (status == QUIRE_OK)
		status = quire_tokenizer_read_special(tokenizer, error);
	if (status == QUIRE_OK)
		status = read_template(tokenizer, folder, error);
	if (status == QUIRE_OK)
		status = quire_tokenizer_rewrite(tokenizer, error);
	return status;
}

quire_status quire_tokenizer_read(const char *folder,
				  const struct tokenizer_options *options,
				  struct tokenizer **tokenizer,
				  quire_error *error)
{
	struct tokenizer *made = calloc(1, sizeof(*made));
	quire_status status;

	if (made)
		made->source = calloc(1, sizeof(*made->source));
	if (!made || !made->source) {
		free(made);
		return quire_fail_memory(error, sizeof(*made));
	}
	for (size_t i = 0; i < TOKENIZER_ID_COUNT; i++)
		made->ids[i] = QUIRE_NO_TOKEN;
	status = fill(folder, options, made, error);
	if (status == QUIRE_OK)
		*tokenizer = made;
	else
		quire_tokenizer_free(made);
	return status;
}

void quire_tokenizer_free(struct tokenizer *tokenizer)
{
	struct tokenizer_source *source;

	if (!tokenizer)
		return;
	source = tokenizer->source;
	quire_json_free(source->json);
	quire_json_free(source->config);
	quire_json_free(source->genai);
	quire_json_free(source->hf);
	quire_item_index_free(&source->index);
	quire_arena_free(&source->arena);
	free(source->template_text);
	free(source);
	free(tokenizer);
}

/* ------------------------------------------------------------- as GGUF's keys
 */

static const char *const id_keys[TOKENIZER_ID_COUNT] = {
	[TOKENIZER_BOS] = "tokenizer.ggml.bos_token_id",
	[TOKENIZER_EOS] = "tokenizer.ggml.eos_token_id",
	[TOKENIZER_UNKNOWN] = "tokenizer.ggml.unknown_token_id",
	/* llama.cpp spells it so */
	[TOKENIZER_SEPARATOR] = "tokenizer.ggml.seperator_token_id",
	[TOKENIZER_PADDING] = "tokenizer.ggml.padding_token_id",
	[TOKENIZER_MASK] = "tokenizer.ggml.mask_token_id",
};

static const char *const flag_keys[TOKENIZER_FLAG_COUNT] = {
	[TOKENIZER_ADD_BOS] = "tokenizer.ggml.add_bos_token",
	[TOKENIZER_ADD_EOS] = "tokenizer.ggml.add_eos_token",
	[TOKENIZER_ADD_SEP] = "tokenizer.ggml.add_sep_token",
	[TOKENIZER_ADD_SPACE_PREFIX] = "tokenizer.ggml.add_space_prefix",
	[TOKENIZER_REMOVE_EXTRA_WHITESPACES] =
	    "tokenizer.ggml.remove_extra_whitespaces",
	[TOKENIZER_LOWERCASE] = "tokenizer.ggml.normalizer.lowercase",
	[TOKENIZER_STRIP_ACCENTS] = "tokenizer.ggml.normalizer.strip_accents",
};

static quire_status write_array(quire_writer *writer, const char *key,
				quire_value_type type, size_t count,
				const void *data, size_t size,
				quire_error *error)
{
	const quire_value value = {
		.type = QUIRE_VALUE_ARRAY,
		.as.a = { type, count, data, size },
	};

	return quire_writer_set_value(writer, key, &value, error);
}

static quire_status write_strings(quire_writer *writer, const char *key,
				  const quire_string *strings, size_t count,
				  quire_error *error)
{
	unsigned char *bytes, *at;
	size_t size = 0;
	quire_status status;

	/* All of them are in memory: the sum cannot overflow. */
	for (size_t i = 0; i < count; i++)
		size += 8 + strings[i].size;
	bytes = at = malloc(size + 1);
	if (!bytes)
		return quire_fail_memory(error, size);
	for (size_t i = 0; i < count; i++) {
		store_u64(at, strings[i].size);
		memcpy(at + 8, strings[i].data, strings[i].size);
		at += 8 + strings[i].size;
	}
	status = write_array(writer, key, QUIRE_VALUE_STRING, count, bytes,
			     size, error);
	free(bytes);
	return status;
}

/* Numbers of four bytes. */
static quire_status write_numbers(quire_writer *writer, const char *key,
				  quire_value_type type, const void *numbers,
				  size_t count, quire_error *error)
{
	unsigned char *bytes = malloc(4 * count + 1);
	quire_status status;

	if (!bytes)
		return quire_fail_memory(error, 4 * count);
	for (size_t i = 0; i < count; i++) {
		uint32_t bits;

		memcpy(&bits, (const char *)numbers + 4 * i, 4);
		store_u32(bytes + 4 * i, bits);
	}
	status = write_array(writer, key, type, count, bytes, 4 * count, error);
	free(bytes);
	return status;
}

static quire_status write_tokens(const struct tokenizer *tokenizer,
				 quire_writer *writer, quire_error *error)
{
	const size_t count = tokenizer->token_count;
	quire_status status;

	status = write_strings(writer, "tokenizer.ggml.tokens",
			       tokenizer->tokens, count, error);
	if (status == QUIRE_OK && tokenizer->scores)
		status = write_numbers(writer, "tokenizer.ggml.scores",
				       QUIRE_VALUE_F32, tokenizer->scores,
				       count, error);
	if (status == QUIRE_OK)
		status = write_numbers(writer, "tokenizer.ggml.token_type",
				       QUIRE_VALUE_I32, tokenizer->types, count,
				       error);
	if (status == QUIRE_OK && tokenizer->merge_count > 0)
		status = write_strings(writer, "tokenizer.ggml.merges",
				       tokenizer->merges,
				       tokenizer->merge_count, error);
	return status;
}

static quire_status write_flag(quire_writer *writer, const char *key,
			       enum tokenizer_truth truth, quire_error *error)
{
	const quire_value value = { .type = QUIRE_VALUE_BOOL,
				    .as.b = truth == TOKENIZER_TRUE };

	return truth == TOKENIZER_UNSAID
		   ? QUIRE_OK
		   : quire_writer_set_value(writer, key, &value, error);
}

static quire_status write_rest(const struct tokenizer *tokenizer,
			       quire_writer *writer, quire_error *error)
{
	const quire_string *charsmap = &tokenizer->charsmap;
	const quire_value chat = { .type = QUIRE_VALUE_STRING,
				   .as.s = tokenizer->chat_template };
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < TOKENIZER_ID_COUNT && status == QUIRE_OK; i++)
		if (tokenizer->ids[i] != QUIRE_NO_TOKEN)
			status = quire_writer_set_u32(writer, id_keys[i],
						      tokenizer->ids[i], error);
	for (size_t i = 0; i < TOKENIZER_FLAG_COUNT && status == QUIRE_OK; i++)
		status = write_flag(writer, flag_keys[i], tokenizer->flags[i],
				    error);
	if (status == QUIRE_OK && charsmap->data)
		status =
		    write_array(writer, "tokenizer.ggml.precompiled_charsmap",
				QUIRE_VALUE_U8, charsmap->size, charsmap->data,
				charsmap->size, error);
	if (status == QUIRE_OK && chat.as.s.data)
		status = quire_writer_set_value(
		    writer, "tokenizer.chat_template", &chat, error);
	return status;
}

quire_status quire_tokenizer_write(const struct tokenizer *tokenizer,
				   quire_writer *writer, quire_error *error)
{
	quire_status status;

	status = quire_writer_set_string(writer, "tokenizer.ggml.model",
					 tokenizer->model, error);
	if (status == QUIRE_OK && tokenizer->pre)
		status = quire_writer_set_string(writer, "tokenizer.ggml.pre",
						 tokenizer->pre, error);
	if (status == QUIRE_OK && tokenizer->strips_as_phi3)
		status = quire_writer_set_string(writer, "general.name",
						 "Phi-3", error);
	if (status == QUIRE_OK)
		status = write_tokens(tokenizer, writer, error);
	if (status == QUIRE_OK)
		status = write_rest(tokenizer, writer, error);
	return status;
}
