/*
 * tokenizer_special.c - the tokens that have a part of their own, what is
 * added to a text, and BERT's flags. Several files speak of these; where two
 * contradict each other, both are named.
 */
#include <inttypes.h>
#include <string.h>

#include "convert/llama/tokenizer_private.h"
#include "format/value.h"

/* ------------------------------------------------------------ added tokens */

/* How an added token takes white space around it. */
struct stripping {
	bool right;
	bool expected; /* of Phi-3: all but these three */
};

/* llama.cpp has this by the name of the model, for Phi-3's tokens alone; and
 * nothing else. */
static bool strips_in_phi3(quire_string text)
{
	return !quire_string_equal(text, quire_string_of("<unk>")) &&
	       !quire_string_equal(text, quire_string_of("<s>")) &&
	       !quire_string_equal(text, quire_string_of("<|endoftext|>"));
}

static quire_status read_stripping(const struct json_value *item,
				   struct stripping *strip, quire_error *error)
{
	quire_string text = { NULL, 0 };
	quire_status status;

	status = quire_json_get_string(item, "content", &text, error);
	if (status != QUIRE_OK)
		return status;
	if (quire_tokenizer_bool_or(item, "single_word", false))
		return quire_json_fail(item, QUIRE_ERROR_UNSUPPORTED, error,
				       "('%.40s') is found as a word of its "
				       "own only (single_word); llama.cpp "
				       "finds it everywhere",
				       text.data);
	/* A mask is not in the texts that models are used with. */
	if (quire_tokenizer_bool_or(item, "lstrip", false) &&
	    !strstr(text.data, "mask") && !strstr(text.data, "MASK"))
		return quire_json_fail(item, QUIRE_ERROR_UNSUPPORTED, error,
				       "('%.40s') takes the white space "
				       "before it (lstrip); llama.cpp's does "
				       "not",
				       text.data);
	strip->right = quire_tokenizer_bool_or(item, "rstrip", false);
	strip->expected = strips_in_phi3(text);
	return QUIRE_OK;
}

/* llama.cpp looks these up for a model of that name. */
static bool has_phi3_tokens(const struct tokenizer *tokenizer)
{
	static const char *const names[] = { "</s>", "<unk>", "<s>",
					     "<|endoftext|>" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (quire_tokenizer_find(
			tokenizer, quire_string_of(names[i])) == QUIRE_NO_TOKEN)
			return false;
	return true;
}

static quire_status check_added(struct tokenizer *tokenizer, quire_error *error)
{
	size_t count = 0, right = 0, like_phi3 = 0;
	struct json_value added;
	quire_status status;

	if (!quire_json_find(&tokenizer->source->root, "added_tokens", &added))
		return QUIRE_OK;
	status = quire_json_count(&added, &count, error);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		const struct json_value item = quire_json_item(&added, i);
		struct stripping strip = { false, false };

		status = read_stripping(&item, &strip, error);
		right += strip.right;
		like_phi3 += strip.right == strip.expected;
	}
	if (status != QUIRE_OK || right == 0)
		return status;
	if (like_phi3 != count || !has_phi3_tokens(tokenizer))
		return quire_json_fail(
		    &added, QUIRE_ERROR_UNSUPPORTED, error,
		    "has %zu tokens that take the white space behind them "
		    "(rstrip); llama.cpp knows that of Phi-3's tokens only",
		    right);
	tokenizer->strips_as_phi3 = true;
	return QUIRE_OK;
}

/* ---------------------------------------------------- tokenizer_config.json */

/* A token in tokenizer_config.json, text or an object with the text; *id stays
 * as it is if there is none. */
static quire_status read_token(const struct tokenizer *tokenizer,
			       const char *key, uint32_t *id,
			       quire_error *error)
{
	struct json_value root, value;
	quire_string text;
	quire_status status;

	if (!tokenizer->source->config)
		return QUIRE_OK;
	root = quire_json_root(tokenizer->source->config);
	if (!quire_json_find(&root, key, &value))
		return QUIRE_OK;
	if (json_is_object(value.json))
		status = quire_json_get_string(&value, "content", &text, error);
	else
		status = quire_json_string(&value, &text, error);
	if (status != QUIRE_OK)
		return status;
	*id = quire_tokenizer_find(tokenizer, text);
	if (*id == QUIRE_NO_TOKEN)
		return quire_json_fail(&value, QUIRE_ERROR_LAYOUT, error,
				       "is '%.40s', which is no token of "
				       "tokenizer.json",
				       text.data);
	return QUIRE_OK;
}

/* BERT calls what begins a text cls, and what ends it sep. */
static quire_status read_tokens(struct tokenizer *tokenizer, quire_error *error)
{
	static const struct {
		const char *key;
		enum tokenizer_id id;
	} keys[] = {
		{ "cls_token", TOKENIZER_BOS },
		{ "sep_token", TOKENIZER_EOS },
		{ "bos_token", TOKENIZER_BOS },
		{ "eos_token", TOKENIZER_EOS },
		{ "unk_token", TOKENIZER_UNKNOWN },
		{ "sep_token", TOKENIZER_SEPARATOR },
		{ "pad_token", TOKENIZER_PADDING },
		{ "mask_token", TOKENIZER_MASK },
	};
	quire_status status = QUIRE_OK;

	for (size_t i = 0;
	     i < sizeof(keys) / sizeof(*keys) && status == QUIRE_OK; i++)
		status = read_token(tokenizer, keys[i].key,
				    &tokenizer->ids[keys[i].id], error);
	return status;
}

/* ------------------------------------------------------------ post_processor
 */

/* The tokens that a post_processor puts around a text. */
struct around {
	uint32_t first, last;
};

static quire_status note_around(const struct tokenizer *tokenizer,
				const struct json_value *place,
				quire_string text, uint32_t *id,
				quire_error *error)
{
	if (*id != QUIRE_NO_TOKEN)
		return quire_json_fail(place, QUIRE_ERROR_UNSUPPORTED, error,
				       "adds more than one token to a side "
				       "of the text; llama.cpp adds one");
	*id = quire_tokenizer_find(tokenizer, text);
	if (*id == QUIRE_NO_TOKEN)
		return quire_json_fail(place, QUIRE_ERROR_LAYOUT, error,
				       "adds '%.40s', which is no token",
				       text.data);
	return QUIRE_OK;
}

/* TemplateProcessing: specials and one sequence, in order. */
static quire_status read_single(const struct tokenizer *tokenizer,
				const struct json_value *processor,
				struct around *around, quire_error *error)
{
	struct json_value single;
	bool behind = false;
	size_t count = 0;
	quire_status status;

	status = quire_json_get(processor, "single", &single, error);
	if (status == QUIRE_OK)
		status = quire_json_count(&single, &count, error);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		const struct json_value item = quire_json_item(&single, i);
		struct json_value special;
		quire_string text = { NULL, 0 };

		if (!quire_json_find(&item, "SpecialToken", &special)) {
			behind = true;
			continue;
		}
		status = quire_json_get_string(&special, "id", &text, error);
		if (status == QUIRE_OK)
			status = note_around(
			    tokenizer, &special, text,
			    behind ? &around->last : &around->first, error);
	}
	return status;
}

/* BertProcessing, RobertaProcessing: pairs of a text and an id. */
static quire_status read_pair(const struct tokenizer *tokenizer,
			      const struct json_value *processor,
			      const char *key, uint32_t *id, quire_error *error)
{
	struct json_value pair, item;
	quire_string text = { NULL, 0 };
	size_t count = 0;
	quire_status status;

	status = quire_json_get(processor, key, &pair, error);
	if (status == QUIRE_OK)
		status = quire_json_count(&pair, &count, error);
	if (status == QUIRE_OK && count != 2)
		status = quire_json_fail(&pair, QUIRE_ERROR_LAYOUT, error,
					 "is not a token and its id");
	if (status != QUIRE_OK)
		return status;
	item = quire_json_item(&pair, 0);
	status = quire_json_string(&item, &text, error);
	return status == QUIRE_OK
		   ? note_around(tokenizer, &pair, text, id, error)
		   : status;
}

static quire_status read_processor(const struct tokenizer *tokenizer,
				   const struct json_value *processor,
				   struct around *around, quire_error *error)
{
	quire_status status;

	if (quire_tokenizer_text_is(processor, "type", "ByteLevel"))
		return QUIRE_OK;
	if (quire_tokenizer_text_is(processor, "type", "TemplateProcessing"))
		return read_single(tokenizer, processor, around, error);
	if (!quire_tokenizer_text_is(processor, "type", "BertProcessing") &&
	    !quire_tokenizer_text_is(processor, "type", "RobertaProcessing"))
		return quire_json_fail(processor, QUIRE_ERROR_UNSUPPORTED,
				       error, "is not known");
	status = read_pair(tokenizer, processor, "cls", &around->first, error);
	if (status != QUIRE_OK)
		return status;
	return read_pair(tokenizer, processor, "sep", &around->last, error);
}

static quire_status read_around(const struct tokenizer *tokenizer,
				struct around *around, quire_error *error)
{
	struct json_value processor, list;
	size_t count = 0;
	quire_status status;

	*around = (struct around){ QUIRE_NO_TOKEN, QUIRE_NO_TOKEN };
	if (!quire_json_find(&tokenizer->source->root, "post_processor",
			     &processor))
		return QUIRE_OK;
	if (!quire_tokenizer_text_is(&processor, "type", "Sequence"))
		return read_processor(tokenizer, &processor, around, error);
	status = quire_json_get(&processor, "processors", &list, error);
	if (status == QUIRE_OK)
		status = quire_json_count(&list, &count, error);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		const struct json_value item = quire_json_item(&list, i);

		status = read_processor(tokenizer, &item, around, error);
	}
	return status;
}

/* One side: what tokenizer.json adds there, and what tokenizer_config.json
 * says of it. */
static quire_status set_side(struct tokenizer *tokenizer, uint32_t added,
			     enum tokenizer_id id, enum tokenizer_flag flag,
			     const char *key, quire_error *error)
{
	const bool adds = added != QUIRE_NO_TOKEN;
	struct json_value root, value;
	bool truth = adds;
	quire_status status = QUIRE_OK;

	tokenizer->flags[flag] = adds ? TOKENIZER_TRUE : TOKENIZER_FALSE;
	if (adds && tokenizer->ids[id] == QUIRE_NO_TOKEN)
		tokenizer->ids[id] = added;
	if (adds && tokenizer->ids[id] != added)
		return quire_json_fail(
		    &tokenizer->source->root, QUIRE_ERROR_LAYOUT, error,
		    "file's post_processor adds '%.40s', where "
		    "tokenizer_config.json has '%.40s'",
		    tokenizer->tokens[added].data,
		    tokenizer->tokens[tokenizer->ids[id]].data);
	if (!tokenizer->source->config)
		return QUIRE_OK;
	root = quire_json_root(tokenizer->source->config);
	if (quire_json_find(&root, key, &value))
		status = quire_json_bool(&value, &truth, error);
	if (status == QUIRE_OK && truth != adds)
		return quire_json_fail(
		    &value, QUIRE_ERROR_LAYOUT, error,
		    "is %s, but the post_processor of tokenizer.json adds %s",
		    truth ? "true" : "false",
		    adds ? tokenizer->tokens[added].data : "no token there");
	return status;
}

/* ------------------------------------------------------- the model's configs
 */

/* An id in genai_config.json or config.json: a number, or a list of them.
 * *first is the first, and *found says whether `wanted` is among them. Neither
 * is touched where there is none. */
static quire_status read_ids(const struct tokenizer *tokenizer,
			     const struct json_value *object, const char *key,
			     uint32_t wanted, uint32_t *first, bool *found,
			     quire_error *error)
{
	struct json_value value, item;
	size_t count = 1;
	quire_status status = QUIRE_OK;

	if (!quire_json_find(object, key, &value))
		return QUIRE_OK;
	if (json_is_array(value.json))
		status = quire_json_count(&value, &count, error);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		uint32_t id = 0;

		item = json_is_array(value.json) ? quire_json_item(&value, i)
						 : value;
		status = quire_json_u32(&item, &id, error);
		if (status == QUIRE_OK && id >= tokenizer->token_count)
			status = quire_json_fail(
			    &item, QUIRE_ERROR_LAYOUT, error,
			    "is %" PRIu32 ", but there are %zu tokens", id,
			    tokenizer->token_count);
		if (i == 0 && *first == QUIRE_NO_TOKEN)
			*first = id;
		*found = *found || id == wanted;
	}
	return status;
}

static quire_status fail_ids(const struct tokenizer *tokenizer,
			     const struct json_value *model, const char *key,
			     enum tokenizer_id id, quire_error *error)
{
	const uint32_t token = tokenizer->ids[id];
	struct json_value value = *model;

	quire_json_find(model, key, &value);
	return quire_json_fail(&value, QUIRE_ERROR_LAYOUT, error,
			       "does not have %" PRIu32 ", '%.40s', which "
			       "tokenizer_config.json and tokenizer.json have",
			       token, tokenizer->tokens[token].data);
}

/* The builder of onnxruntime-genai adds the tokenizer's eos_token to the list
 * of ids, and writes 1 for a bos_token that no file knows: so the first must be
 * there, and the second tells something only if it begins texts. */
static quire_status check_genai(struct tokenizer *tokenizer, quire_error *error)
{
	uint32_t *ids = tokenizer->ids;
	uint32_t bos = QUIRE_NO_TOKEN, eos = QUIRE_NO_TOKEN;
	bool has_bos = false, has_eos = false;
	struct json_value root, model;
	quire_status status;

	root = quire_json_root(tokenizer->source->genai);
	status = quire_json_get(&root, "model", &model, error);
	if (status == QUIRE_OK)
		status = read_ids(tokenizer, &model, "bos_token_id",
				  ids[TOKENIZER_BOS], &bos, &has_bos, error);
	if (status == QUIRE_OK)
		status = read_ids(tokenizer, &model, "eos_token_id",
				  ids[TOKENIZER_EOS], &eos, &has_eos, error);
	if (status == QUIRE_OK)
		status =
		    read_ids(tokenizer, &model, "pad_token_id", QUIRE_NO_TOKEN,
			     &ids[TOKENIZER_PADDING], &has_eos, error);
	if (status != QUIRE_OK)
		return status;
	if (ids[TOKENIZER_EOS] == QUIRE_NO_TOKEN)
		ids[TOKENIZER_EOS] = eos;
	else if (eos != QUIRE_NO_TOKEN && !has_eos)
		return fail_ids(tokenizer, &model, "eos_token_id",
				TOKENIZER_EOS, error);
	if (tokenizer->flags[TOKENIZER_ADD_BOS] == TOKENIZER_TRUE &&
	    bos != QUIRE_NO_TOKEN && !has_bos)
		return fail_ids(tokenizer, &model, "bos_token_id",
				TOKENIZER_BOS, error);
	if (ids[TOKENIZER_BOS] == QUIRE_NO_TOKEN)
		ids[TOKENIZER_BOS] = bos;
	return QUIRE_OK;
}

/* What no other file says. */
static quire_status read_hf(struct tokenizer *tokenizer, quire_error *error)
{
	const struct json_value root = quire_json_root(tokenizer->source->hf);
	uint32_t *ids = tokenizer->ids;
	bool found = false;
	quire_status status;

	status = read_ids(tokenizer, &root, "bos_token_id", QUIRE_NO_TOKEN,
			  &ids[TOKENIZER_BOS], &found, error);
	if (status == QUIRE_OK)
		status =
		    read_ids(tokenizer, &root, "eos_token_id", QUIRE_NO_TOKEN,
			     &ids[TOKENIZER_EOS], &found, error);
	if (status == QUIRE_OK)
		status =
		    read_ids(tokenizer, &root, "pad_token_id", QUIRE_NO_TOKEN,
			     &ids[TOKENIZER_PADDING], &found, error);
	return status;
}

quire_status quire_tokenizer_read_special(struct tokenizer *tokenizer,
					  quire_error *error)
{
	const struct tokenizer_source *source = tokenizer->source;
	struct around around = { QUIRE_NO_TOKEN, QUIRE_NO_TOKEN };
	quire_status status;

	status = check_added(tokenizer, error);
	if (status == QUIRE_OK)
		status = read_tokens(tokenizer, error);
	if (status == QUIRE_OK)
		status = read_around(tokenizer, &around, error);
	if (status == QUIRE_OK)
		status = set_side(tokenizer, around.first, TOKENIZER_BOS,
				  TOKENIZER_ADD_BOS, "add_bos_token", error);
	if (status == QUIRE_OK)
		status = set_side(tokenizer, around.last, TOKENIZER_EOS,
				  TOKENIZER_ADD_EOS, "add_eos_token", error);
	if (status == QUIRE_OK && source->hf && !source->genai)
		status = read_hf(tokenizer, error);
	if (status == QUIRE_OK && source->genai)
		status = check_genai(tokenizer, error);
	return status;
}

/* --------------------------------------------------------------------- BERT */

quire_status quire_tokenizer_read_bert(struct tokenizer *tokenizer,
				       quire_error *error)
{
	const struct json_value *model = &tokenizer->source->model;
	struct json_value normalizer;
	bool lower, strip;

	if (quire_json_find(model, "continuing_subword_prefix", NULL) &&
	    !quire_tokenizer_text_is(model, "continuing_subword_prefix", "##"))
		return quire_json_fail(model, QUIRE_ERROR_UNSUPPORTED, error,
				       "has a continuing_subword_prefix other "
				       "than '##'");
	quire_json_find(&tokenizer->source->root, "normalizer", &normalizer);
	lower = quire_tokenizer_bool_or(&normalizer, "lowercase", true);
	/* Without a word about accents they go with the capitals. */
	strip = quire_tokenizer_bool_or(&normalizer, "strip_accents", lower);
	tokenizer->flags[TOKENIZER_LOWERCASE] =
	    lower ? TOKENIZER_TRUE : TOKENIZER_FALSE;
	tokenizer->flags[TOKENIZER_STRIP_ACCENTS] =
	    strip ? TOKENIZER_TRUE : TOKENIZER_FALSE;
	quire_tokenizer_note(tokenizer,
			     "llama.cpp's WordPiece differs for Hangul, "
			     "combining marks, and words of more than 100 "
			     "characters");
	if (!lower)
		quire_tokenizer_note(tokenizer,
				     "llama.cpp of July 2025 makes all text "
				     "lower case for BERT");
	return QUIRE_OK;
}
