/*
 * tokenizer_special.c - the tokens that have a part of their own, and the chat
 * template.
 */
#include <stdlib.h>
#include <string.h>

#include "convert/llama/tokenizer_private.h"
#include "format/value.h"

static const char *const config_keys[TOKENIZER_ID_COUNT] = {
	[TOKENIZER_BOS] = "bos_token",	   [TOKENIZER_EOS] = "eos_token",
	[TOKENIZER_UNKNOWN] = "unk_token", [TOKENIZER_SEPARATOR] = "sep_token",
	[TOKENIZER_PADDING] = "pad_token", [TOKENIZER_MASK] = "mask_token",
};

/* A token in tokenizer_config.json: text, or an object with the text. */
static quire_status read_token(const struct tokenizer *tokenizer,
			       const struct json_value *value, uint32_t *id,
			       quire_error *error)
{
	quire_string text;
	quire_status status;

	if (json_is_object(value->json))
		status = quire_json_get_string(value, "content", &text, error);
	else
		status = quire_json_string(value, &text, error);
	if (status != QUIRE_OK)
		return status;
	*id = quire_tokenizer_find(tokenizer, text);
	if (*id == QUIRE_NO_TOKEN)
		return quire_json_fail(value, QUIRE_ERROR_LAYOUT, error,
				       "is '%.40s', which is no token of "
				       "tokenizer.json",
				       text.data);
	return QUIRE_OK;
}

quire_status quire_tokenizer_read_special(struct tokenizer *tokenizer,
					  quire_error *error)
{
	struct json_value root, value;
	quire_status status = QUIRE_OK;

	if (!tokenizer->source->config)
		return QUIRE_OK;
	root = quire_json_root(tokenizer->source->config);
	for (size_t i = 0; i < TOKENIZER_ID_COUNT && status == QUIRE_OK; i++)
		if (quire_json_find(&root, config_keys[i], &value))
			status = read_token(tokenizer, &value,
					    &tokenizer->ids[i], error);
	return status;
}

quire_status quire_tokenizer_read_template(struct tokenizer *tokenizer,
					   const char *folder,
					   quire_error *error)
{
	struct tokenizer_source *source = tokenizer->source;
	quire_error reported = { .status = QUIRE_OK };
	size_t size = 0;
	const quire_status status =
	    quire_json_read_text(folder, "chat_template.jinja",
				 &source->template_text, &size, &reported);

	if (status == QUIRE_ERROR_NOT_FOUND)
		return QUIRE_OK;
	if (status != QUIRE_OK) {
		if (error)
			*error = reported;
		return status;
	}
	tokenizer->chat_template =
	    (quire_string){ source->template_text, size };
	return QUIRE_OK;
}
