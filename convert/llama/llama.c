/*
 * llama.c - the order of the steps, and what they share: facts, each with the
 * place that has said it.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/llama/llama_model.h"
#include "convert/llama/tokenizer.h"

/* Nothing that a model's names and numbers need is larger. */
#define ARENA_CEILING ((uint64_t)256 << 20)

/* ------------------------------------------------------------------- facts */

/* What a fact is called in messages, and where it is looked for. */
static const struct fact_row {
	const char *name;
	const char *places;
	double tolerance; /* relative; 0: of whole numbers */
} fact_rows[FACT_COUNT] = {
	[FACT_LAYERS] = { "the number of layers",
			  "num_hidden_layers in genai_config.json or "
			  "config.json",
			  0 },
	[FACT_HEADS] = { "the number of heads",
			 "num_attention_heads in genai_config.json or "
			 "config.json",
			 0 },
	[FACT_KV_HEADS] = { "the number of heads of k and v",
			    "num_key_value_heads in genai_config.json or "
			    "config.json",
			    0 },
	[FACT_HEAD_SIZE] = { "the size of a head",
			     "head_size in genai_config.json", 0 },
	[FACT_HIDDEN] = { "the hidden size",
			  "hidden_size in genai_config.json or config.json",
			  0 },
	[FACT_FEED_FORWARD] = { "the size of the feed-forward part",
				"the shape of its weights", 0 },
	[FACT_VOCABULARY] = { "the number of tokens",
			      "the shape of the embedding", 0 },
	[FACT_CONTEXT] = { "the context length",
			   "context_length in genai_config.json or "
			   "max_position_embeddings in config.json",
			   0 },
	[FACT_EPSILON] = { "the norms' epsilon",
			   "the graph's norms, or rms_norm_eps or "
			   "layer_norm_eps in config.json",
			   1e-6 },
	[FACT_ROPE_BASE] = { "the base of the rotary frequencies",
			     "the tables cos_cache and sin_cache, or "
			     "rope_theta in config.json",
			     1e-5 },
	[FACT_ROPE_DIMENSIONS] = { "the rotated elements of a head",
				   "the tables cos_cache and sin_cache", 0 },
	[FACT_ROPE_LINEAR] = { "the rotary embedding's linear factor",
			       "the tables cos_cache and sin_cache", 1e-5 },
	[FACT_ROPE_ATTENTION] = { "the rotary embedding's attention factor",
				  "the tables cos_cache and sin_cache", 1e-5 },
	[FACT_ROPE_ORIGINAL] = { "the original context length",
				 "the rows of cos_cache_small, or "
				 "original_max_position_embeddings in "
				 "config.json",
				 0 },
	[FACT_ATTENTION_SCALE] = { "the scale of attention",
				   "the attention nodes", 1e-5 },
	[FACT_ATTENTION_SOFTCAP] = { "the softcap of attention",
				     "the attention nodes, or "
				     "attn_logit_softcapping in config.json",
				     1e-6 },
	[FACT_FINAL_SOFTCAP] = { "the softcap of the logits",
				 "the nodes behind the head, or "
				 "final_logit_softcapping in config.json",
				 1e-6 },
	[FACT_WINDOW] = { "the sliding window",
			  "the attention nodes, or sliding_window in "
			  "config.json",
			  0 },
	[FACT_EMBEDDING_SCALE] = { "the multiplier of embeddings",
				   "the node behind the embedding, or "
				   "embedding_multiplier in config.json",
				   1e-6 },
	[FACT_RESIDUAL_SCALE] = { "the multiplier of residuals",
				  "the nodes behind the layers' parts, or "
				  "residual_multiplier in config.json",
				  1e-6 },
	[FACT_LOGIT_SCALE] = { "the divisor of logits",
			       "the node behind the head, or logits_scaling "
			       "in config.json",
			       1e-6 },
	[FACT_TOKEN_TYPES] = { "the number of token types",
			       "type_vocab_size in config.json", 0 },
	[FACT_POOLING] = { "how embeddings are pooled", "1_Pooling/config.json",
			   0 },
};

static bool agree(const struct fact_row *row, double a, double b)
{
	return fabs(a - b) <= row->tolerance * fmax(fabs(a), fabs(b));
}

quire_status quire_llama_learn(struct llama *llama, enum llama_fact_name name,
			       double value, const char *from, ...)
{
	const struct fact_row *row = &fact_rows[name];
	struct llama_fact *fact = &llama->facts[name];
	char other[sizeof(fact->from)];
	va_list arguments;

	va_start(arguments, from);
	vsnprintf(other, sizeof(other), from, arguments);
	va_end(arguments);
	if (row->tolerance == 0 &&
	    !(value >= 0 && value <= UINT32_MAX && value == floor(value)))
		return quire_fail(llama->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET,
				  "%s is %.9g by %.80s, which is no number of "
				  "32 bits",
				  row->name, value, other);
	if (!fact->known) {
		*fact = (struct llama_fact){ .known = true, .value = value };
		memcpy(fact->from, other, sizeof(other));
		return QUIRE_OK;
	}
	if (agree(row, fact->value, value))
		return QUIRE_OK;
	return quire_fail(llama->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "%s is %.9g by %.80s, and %.9g by %.80s", row->name,
			  fact->value, fact->from, value, other);
}

quire_status quire_llama_need(const struct llama *llama,
			      enum llama_fact_name name)
{
	if (llama->facts[name].known)
		return QUIRE_OK;
	return quire_fail(llama->error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			  "%s is said nowhere: not by %s; llama.cpp needs it "
			  "for '%s'",
			  fact_rows[name].name, fact_rows[name].places,
			  llama->architecture->name);
}

quire_status quire_llama_refuse(const struct llama *llama, const char *format,
				...)
{
	char text[sizeof(llama->error->message)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return quire_fail(llama->error, QUIRE_ERROR_UNSUPPORTED,
			  QUIRE_NO_OFFSET, "%s", text);
}

/* ------------------------------------------------------------- small things */

const struct onnx_value *quire_llama_input(const struct llama *llama,
					   const struct onnx_node *node,
					   size_t input)
{
	if (!node || input >= node->input_count || !node->inputs[input][0])
		return NULL;
	return quire_onnx_find(llama->model, node->scope, node->inputs[input]);
}

const struct onnx_node *quire_llama_taker(const struct llama *llama,
					  const struct onnx_value *value,
					  const struct onnx_node *after)
{
	const struct onnx_model *model = llama->model;
	size_t at = after ? (size_t)(after - model->nodes) + 1 : 0;

	for (; value && at < model->node_count; at++) {
		const struct onnx_node *node = &model->nodes[at];

		for (size_t i = 0; i < node->input_count; i++)
			if (strcmp(node->inputs[i], value->name) == 0 &&
			    quire_llama_input(llama, node, i) == value)
				return node;
	}
	return NULL;
}

bool quire_llama_scalar(const struct onnx_value *value, double *number)
{
	unsigned char bytes[8];

	if (!value || value->origin != ONNX_CONSTANT || value->count != 1 ||
	    !quire_onnx_is_float(value->type) || value->sparse ||
	    value->size > sizeof(bytes) ||
	    quire_onnx_read_all(value, bytes, NULL) != QUIRE_OK)
		return false;
	*number = quire_onnx_float(value->type, bytes, 0);
	return true;
}

uint64_t quire_llama_size(const struct llama *llama, enum llama_size size)
{
	switch (size) {
	case SIZE_ONE:
		return 1;
	case SIZE_HIDDEN:
		return llama_count(llama, FACT_HIDDEN);
	case SIZE_Q:
		return llama_q_rows(llama);
	case SIZE_KV:
		return llama_kv_rows(llama);
	case SIZE_QKV:
		return llama_q_rows(llama) + 2 * llama_kv_rows(llama);
	case SIZE_HEAD:
		return llama_count(llama, FACT_HEAD_SIZE);
	case SIZE_PAIRS:
		return llama_count(llama, FACT_ROPE_DIMENSIONS) / 2;
	case SIZE_FEED_FORWARD:
		return llama_count(llama, FACT_FEED_FORWARD);
	case SIZE_TWICE_FEED_FORWARD:
		return 2 * llama_count(llama, FACT_FEED_FORWARD);
	case SIZE_VOCABULARY:
		return llama_count(llama, FACT_VOCABULARY);
	case SIZE_CONTEXT:
		return llama_count(llama, FACT_CONTEXT);
	case SIZE_TOKEN_TYPES:
		return llama_count(llama, FACT_TOKEN_TYPES);
	}
	return 0;
}

const struct llama_tensor *quire_llama_find(const struct llama *llama,
					    enum llama_target target, bool bias,
					    size_t layer)
{
	for (size_t i = 0; i < llama->tensor_count; i++) {
		const struct llama_tensor *tensor = &llama->tensors[i];

		if (tensor->target == target && tensor->bias == bias &&
		    tensor->layer == layer)
			return tensor;
	}
	return NULL;
}

/* ------------------------------------------------------------------- steps */

static quire_status read_tokenizer(struct llama *llama)
{
	const struct tokenizer_options options = {
		.pre = llama->options->tokenizer_pre,
		.rows = (size_t)llama_count(llama, FACT_VOCABULARY),
	};

	if (llama->options->no_tokenizer)
		return QUIRE_OK;
	return quire_tokenizer_read(llama->options->folder, &options,
				    &llama->tokenizer, llama->error);
}

/* What llama.cpp would take from a default that is not this model's. */
static quire_status check_facts(const struct llama *llama)
{
	static const enum llama_fact_name always[] = {
		FACT_LAYERS,	 FACT_HEADS,   FACT_KV_HEADS,
		FACT_HEAD_SIZE,	 FACT_HIDDEN,  FACT_FEED_FORWARD,
		FACT_VOCABULARY, FACT_CONTEXT, FACT_EPSILON,
	};
	static const enum llama_fact_name rotating[] = { FACT_ROPE_BASE,
							 FACT_ROPE_DIMENSIONS };
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		if (status == QUIRE_OK)
			status = quire_llama_need(llama, always[i]);
	for (size_t i = 0; i < sizeof(rotating) / sizeof(*rotating); i++)
		if (status == QUIRE_OK &&
		    llama->architecture->rope != ROPE_NONE)
			status = quire_llama_need(llama, rotating[i]);
	return status;
}

static quire_status make(struct llama *llama, struct plan *plan)
{
	quire_status status = quire_llama_open_config(llama);

	if (status == QUIRE_OK)
		status = quire_llama_read_graph(llama);
	if (status == QUIRE_OK)
		status = quire_llama_read_config(llama);
	if (status == QUIRE_OK)
		status = quire_llama_place(llama, plan);
	if (status == QUIRE_OK)
		status = quire_llama_read_rope(llama);
	if (status == QUIRE_OK)
		status = check_facts(llama);
	if (status == QUIRE_OK)
		status = quire_llama_check_nodes(llama, plan);
	if (status == QUIRE_OK)
		status = quire_llama_make_over(llama, plan);
	if (status == QUIRE_OK)
		status = quire_llama_check_tensors(llama, plan);
	quire_llama_find_most(llama, plan);
	return status == QUIRE_OK ? read_tokenizer(llama) : status;
}

quire_status quire_llama_create(const struct onnx_model *model,
				const struct llama_options *options,
				struct plan *plan, struct llama **llama,
				quire_error *error)
{
	struct llama *made = calloc(1, sizeof(*made));
	quire_status status;

	if (!made)
		return quire_fail_memory(error, sizeof(*made));
	made->model = model;
	made->options = options;
	made->error = error;
	made->arena.left = ARENA_CEILING;
	status = make(made, plan);
	made->error = NULL;
	if (status == QUIRE_OK)
		*llama = made;
	else
		quire_llama_free(made);
	return status;
}

void quire_llama_free(struct llama *llama)
{
	if (!llama)
		return;
	quire_json_free(llama->genai);
	quire_json_free(llama->config);
	quire_tokenizer_free(llama->tokenizer);
	quire_arena_free(&llama->arena);
	free(llama);
}
