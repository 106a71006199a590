/*
 * llama_values.c - llama.cpp's keys, out of the facts. Which architecture has
 * which key is llama.cpp's choice (its LLM_KV_ names); a key that it would
 * replace by a default is always written.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "convert/llama/llama_model.h"
#include "convert/llama/tokenizer.h"
#include "format/value.h"

struct writing {
	const struct llama *llama;
	quire_writer *writer;
	quire_error *error;
};

#define KEY_SIZE 96

static quire_status set(const struct writing *writing, const char *key,
			quire_value value)
{
	char name[KEY_SIZE];

	snprintf(name, sizeof(name), "%s.%s",
		 writing->llama->architecture->name, key);
	return quire_writer_set_value(writing->writer, name, &value,
				      writing->error);
}

static quire_status set_count(const struct writing *writing, const char *key,
			      uint64_t count)
{
	if (count > UINT32_MAX)
		return quire_fail(writing->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET, "%s does not fit 32 bits",
				  key);
	return set(writing, key,
		   (quire_value){ .type = QUIRE_VALUE_U32, .as.u = count });
}

static quire_status set_float(const struct writing *writing, const char *key,
			      double number)
{
	return set(writing, key,
		   (quire_value){ .type = QUIRE_VALUE_F32,
				  .as.f = (double)(float)number });
}

/* Facts that are keys as they are, where they are known. */
static const struct value_row {
	const char *key;
	enum llama_fact_name fact;
	bool is_float;
	unsigned trait; /* of the architectures that have it; 0: all */
} value_rows[] = {
	{ "block_count", FACT_LAYERS, false, 0 },
	{ "embedding_length", FACT_HIDDEN, false, 0 },
	{ "feed_forward_length", FACT_FEED_FORWARD, false, 0 },
	{ "attention.head_count", FACT_HEADS, false, 0 },
	{ "attention.head_count_kv", FACT_KV_HEADS, false, 0 },
	{ "vocab_size", FACT_VOCABULARY, false, 0 },
	{ "rope.freq_base", FACT_ROPE_BASE, true, 0 },
	{ "rope.dimension_count", FACT_ROPE_DIMENSIONS, false, 0 },
	{ "rope.scaling.factor", FACT_ROPE_LINEAR, true, 0 },
	{ "rope.scaling.attn_factor", FACT_ROPE_ATTENTION, true, 0 },
	{ "attn_logit_softcapping", FACT_ATTENTION_SOFTCAP, true,
	  TRAIT_SOFTCAPS },
	{ "final_logit_softcapping", FACT_FINAL_SOFTCAP, true, TRAIT_SOFTCAPS },
	{ "attention.sliding_window", FACT_WINDOW, false,
	  TRAIT_EVERY_OTHER_WINDOW },
	{ "attention.scale", FACT_ATTENTION_SCALE, true, TRAIT_GRANITE_SCALES },
	{ "embedding_scale", FACT_EMBEDDING_SCALE, true, TRAIT_GRANITE_SCALES },
	{ "residual_scale", FACT_RESIDUAL_SCALE, true, TRAIT_GRANITE_SCALES },
	{ "logit_scale", FACT_LOGIT_SCALE, true, TRAIT_GRANITE_SCALES },
	{ "pooling_type", FACT_POOLING, false, TRAIT_ENCODER },
};

static quire_status set_facts(const struct writing *writing)
{
	const struct llama *llama = writing->llama;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < sizeof(value_rows) / sizeof(*value_rows); i++) {
		const struct value_row *row = &value_rows[i];
		const struct llama_fact *fact = &llama->facts[row->fact];

		if (status != QUIRE_OK || !fact->known ||
		    (row->trait && !llama_has(llama, row->trait)))
			continue;
		status =
		    row->is_float
			? set_float(writing, row->key, fact->value)
			: set_count(writing, row->key, (uint64_t)fact->value);
	}
	return status;
}

/* A window that llama.cpp does not have ends the context: within it both
 * compute the same. */
static quire_status set_context(const struct writing *writing)
{
	const struct llama *llama = writing->llama;
	uint64_t context = llama_count(llama, FACT_CONTEXT);
	uint64_t original = llama_count(llama, FACT_ROPE_ORIGINAL);
	quire_status status = QUIRE_OK;

	if (llama_has(llama, TRAIT_NO_WINDOW_KEY)) {
		if (llama_knows(llama, FACT_WINDOW) &&
		    llama_count(llama, FACT_WINDOW) < context)
			context = llama_count(llama, FACT_WINDOW);
		status = set_count(writing, "attention.sliding_window", 0);
	}
	if (status == QUIRE_OK)
		status = set_count(writing, "context_length", context);
	if (status == QUIRE_OK && llama_has(llama, TRAIT_LONG_ROPE))
		status =
		    set_count(writing, "rope.scaling.original_context_length",
			      llama->factors[1] ? original : context);
	if (status == QUIRE_OK && llama_knows(llama, FACT_ROPE_LINEAR))
		status =
		    set(writing, "rope.scaling.type",
			(quire_value){ .type = QUIRE_VALUE_STRING,
				       .as.s = quire_string_of("linear") });
	return status;
}

static quire_status set_shape(const struct writing *writing)
{
	const struct llama *llama = writing->llama;
	const uint64_t head = llama_count(llama, FACT_HEAD_SIZE);
	const char *epsilon = llama_has(llama, TRAIT_LAYER_NORM)
				  ? "attention.layer_norm_epsilon"
				  : "attention.layer_norm_rms_epsilon";
	quire_status status =
	    set_float(writing, epsilon, llama->facts[FACT_EPSILON].value);

	if (status == QUIRE_OK && llama_has(llama, TRAIT_ENCODER))
		status = set(writing, "attention.causal",
			     (quire_value){ .type = QUIRE_VALUE_BOOL });
	if (status != QUIRE_OK ||
	    (!llama_has(llama, TRAIT_HEAD_SIZE) &&
	     llama_q_rows(llama) == llama_count(llama, FACT_HIDDEN)))
		return status;
	status = set_count(writing, "attention.key_length", head);
	return status == QUIRE_OK
		   ? set_count(writing, "attention.value_length", head)
		   : status;
}

/* ------------------------------------------------------------------ general */

/* Whether the tokenizer has such a token. */
static bool has_token(const struct llama *llama, const char *token)
{
	const struct tokenizer *tokenizer = llama->tokenizer;

	for (size_t i = 0; tokenizer && i < tokenizer->token_count; i++)
		if (quire_string_equal(tokenizer->tokens[i],
				       quire_string_of(token)))
			return true;
	return false;
}

/* The folder's name. llama.cpp looks into the name: of a model with "phi3" in
 * it, it wants Phi-3's own tokens, or it does not load it. */
static quire_status set_name(const struct writing *writing)
{
	const struct llama *llama = writing->llama;
	const char *folder = llama->options->folder;
	const char *end = folder + strlen(folder);
	char name[80];
	size_t size;

	while (end > folder && end[-1] == '/')
		end--;
	for (size = 0; end - size > folder && end[-(ptrdiff_t)size - 1] != '/';)
		size++;
	if (size == 0 || size >= sizeof(name))
		return QUIRE_OK;
	memcpy(name, end - size, size);
	name[size] = '\0';
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    !quire_utf8_valid(name, size))
		return QUIRE_OK;
	if (strcmp(llama->architecture->name, "phi3") == 0 &&
	    !has_token(llama, "</s>"))
		return QUIRE_OK;
	return quire_writer_set_string(writing->writer, "general.name", name,
				       writing->error);
}

/* llama.cpp's numbers for what most of a file is (LLAMA_FTYPE_...). */
static uint32_t file_type(quire_dtype dtype)
{
	switch (dtype) {
	case QUIRE_F32:
		return 0;
	case QUIRE_F16:
		return 1;
	case QUIRE_Q4_1:
		return 3;
	case QUIRE_Q8_0:
		return 7;
	case QUIRE_BF16:
		return 32;
	default:
		return 2; /* Q4_0 */
	}
}

static quire_status set_general(const struct writing *writing)
{
	quire_status status = quire_writer_set_string(
	    writing->writer, "general.architecture",
	    writing->llama->architecture->name, writing->error);

	if (status == QUIRE_OK)
		status = quire_writer_set_string(
		    writing->writer, "general.type", "model", writing->error);
	if (status == QUIRE_OK)
		status = set_name(writing);
	return status == QUIRE_OK
		   ? quire_writer_set_u32(writing->writer, "general.file_type",
					  file_type(writing->llama->most),
					  writing->error)
		   : status;
}

/* The type of most bytes of matrices. */
void quire_llama_find_most(struct llama *llama, const struct plan *plan)
{
	static const quire_dtype types[] = {
		QUIRE_Q4_0, QUIRE_Q4_1, QUIRE_Q8_0,
		QUIRE_F16,  QUIRE_BF16, QUIRE_F32
	};
	uint64_t most = 0;

	llama->most = QUIRE_Q4_0;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		uint64_t size = 0;

		for (size_t j = 0; j < plan->item_count; j++)
			if (plan->items[j].rank == 2 &&
			    plan->items[j].dtype == types[i])
				size += plan->items[j].size;
		if (size <= most)
			continue;
		most = size;
		llama->most = types[i];
	}
}

static quire_status set_tokenizer(const struct writing *writing)
{
	const struct llama *llama = writing->llama;
	quire_status status;

	if (!llama->tokenizer)
		return quire_writer_set_string(writing->writer,
					       "tokenizer.ggml.model",
					       "no_vocab", writing->error);
	status = quire_tokenizer_write(llama->tokenizer, writing->writer,
				       writing->error);
	if (status == QUIRE_OK && llama_has(llama, TRAIT_ENCODER))
		status = quire_writer_set_u32(
		    writing->writer, "tokenizer.ggml.token_type_count",
		    (uint32_t)llama_count(llama, FACT_TOKEN_TYPES),
		    writing->error);
	return status;
}

quire_status quire_llama_write(const struct llama *llama, quire_writer *writer,
			       quire_error *error)
{
	const struct writing writing = { llama, writer, error };
	quire_status status = set_general(&writing);

	if (status == QUIRE_OK)
		status = set_context(&writing);
	if (status == QUIRE_OK)
		status = set_facts(&writing);
	if (status == QUIRE_OK)
		status = set_shape(&writing);
	return status == QUIRE_OK ? set_tokenizer(&writing) : status;
}
