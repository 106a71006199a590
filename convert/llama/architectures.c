/*
 * architectures.c - the table of architectures: what llama.cpp calls a model
 * and its tensors, and what it wants of them. And the last check of a plan by
 * it: each tensor that the architecture requires is there in its shape, none
 * twice, and nothing else is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "convert/llama/llama_model.h"

/* clang-format off */
const struct llama_target_row quire_llama_targets[TARGET_COUNT] = {
	[TARGET_TOKEN_EMBD] = { "token_embd", false, SIZE_VOCABULARY, SIZE_HIDDEN },
	[TARGET_POSITION_EMBD] = { "position_embd", false, SIZE_CONTEXT, SIZE_HIDDEN },
	[TARGET_TOKEN_TYPES] = { "token_types", false, SIZE_TOKEN_TYPES, SIZE_HIDDEN },
	[TARGET_TOKEN_EMBD_NORM] = { "token_embd_norm", false, SIZE_HIDDEN, SIZE_ONE },
	[TARGET_OUTPUT_NORM] = { "output_norm", false, SIZE_HIDDEN, SIZE_ONE },
	[TARGET_OUTPUT] = { "output", false, SIZE_VOCABULARY, SIZE_HIDDEN },
	[TARGET_ATTN_NORM] = { "attn_norm", true, SIZE_HIDDEN, SIZE_ONE },
	[TARGET_ATTN_QKV] = { "attn_qkv", true, SIZE_QKV, SIZE_HIDDEN },
	[TARGET_ATTN_Q] = { "attn_q", true, SIZE_Q, SIZE_HIDDEN },
	[TARGET_ATTN_K] = { "attn_k", true, SIZE_KV, SIZE_HIDDEN },
	[TARGET_ATTN_V] = { "attn_v", true, SIZE_KV, SIZE_HIDDEN },
	[TARGET_ATTN_Q_NORM] = { "attn_q_norm", true, SIZE_HEAD, SIZE_ONE },
	[TARGET_ATTN_K_NORM] = { "attn_k_norm", true, SIZE_HEAD, SIZE_ONE },
	[TARGET_ATTN_OUTPUT] = { "attn_output", true, SIZE_HIDDEN, SIZE_Q },
	[TARGET_ATTN_OUTPUT_NORM] = { "attn_output_norm", true, SIZE_HIDDEN, SIZE_ONE },
	[TARGET_POST_ATTENTION_NORM] = { "post_attention_norm", true, SIZE_HIDDEN, SIZE_ONE },
	[TARGET_FFN_NORM] = { "ffn_norm", true, SIZE_HIDDEN, SIZE_ONE },
	[TARGET_FFN_GATE] = { "ffn_gate", true, SIZE_FEED_FORWARD, SIZE_HIDDEN },
	[TARGET_FFN_UP] = { "ffn_up", true, SIZE_FEED_FORWARD, SIZE_HIDDEN },
	[TARGET_FFN_GATE_UP] = { "ffn_up", true, SIZE_TWICE_FEED_FORWARD, SIZE_HIDDEN },
	[TARGET_FFN_DOWN] = { "ffn_down", true, SIZE_HIDDEN, SIZE_FEED_FORWARD },
	[TARGET_POST_FFW_NORM] = { "post_ffw_norm", true, SIZE_HIDDEN, SIZE_ONE },
	[TARGET_LAYER_OUTPUT_NORM] = { "layer_output_norm", true, SIZE_HIDDEN, SIZE_ONE },
	[TARGET_ROPE_FREQS] = { "rope_freqs", false, SIZE_PAIRS, SIZE_ONE },
	[TARGET_ROPE_LONG] = { "rope_factors_long", false, SIZE_PAIRS, SIZE_ONE },
	[TARGET_ROPE_SHORT] = { "rope_factors_short", false, SIZE_PAIRS, SIZE_ONE },
};

/* Names by onnxruntime-genai's builder and by Optimum. Before they are looked
 * up, .self_attn. becomes .attn. and a .layernorm at the end goes. The number
 * of the last norm is that of one more layer. */
#define DECODER_SOURCES \
	{ "model.embed_tokens", TARGET_TOKEN_EMBD }, \
	{ "lm_head", TARGET_OUTPUT }, \
	{ "model.norm", TARGET_OUTPUT_NORM }, \
	{ "model.final_layernorm", TARGET_OUTPUT_NORM }, \
	{ "model.layers.%.final_norm_layernorm", TARGET_OUTPUT_NORM }, \
	{ "model.layers.%.input_layernorm", TARGET_ATTN_NORM }, \
	{ "model.layers.%.attn.qkv_proj", TARGET_ATTN_QKV }, \
	{ "model.layers.%.attn.q_proj", TARGET_ATTN_Q }, \
	{ "model.layers.%.attn.k_proj", TARGET_ATTN_K }, \
	{ "model.layers.%.attn.v_proj", TARGET_ATTN_V }, \
	{ "model.layers.%.attn.q_norm", TARGET_ATTN_Q_NORM }, \
	{ "model.layers.%.attn.k_norm", TARGET_ATTN_K_NORM }, \
	{ "model.layers.%.attn.o_proj", TARGET_ATTN_OUTPUT }, \
	{ "model.layers.%.attn.dense", TARGET_ATTN_OUTPUT }, \
	{ "model.layers.%.mlp.gate_proj", TARGET_FFN_GATE }, \
	{ "model.layers.%.mlp.up_proj", TARGET_FFN_UP }, \
	{ "model.layers.%.mlp.gate_up_proj", TARGET_FFN_GATE_UP }, \
	{ "model.layers.%.mlp.down_proj", TARGET_FFN_DOWN }, \
	{ "model.layers.%.mlp.fc1", TARGET_FFN_UP }, \
	{ "model.layers.%.mlp.fc2", TARGET_FFN_DOWN }

static const struct llama_source_row two_norms[] = {
	DECODER_SOURCES,
	{ "model.layers.%.post_attention_layernorm", TARGET_FFN_NORM },
	{ NULL, 0 },
};

static const struct llama_source_row four_norms[] = {
	DECODER_SOURCES,
	{ "model.layers.%.post_attention_layernorm", TARGET_POST_ATTENTION_NORM },
	{ "model.layers.%.pre_feedforward_layernorm", TARGET_FFN_NORM },
	{ "model.layers.%.post_feedforward_layernorm", TARGET_POST_FFW_NORM },
	{ NULL, 0 },
};

static const struct llama_source_row encoder[] = {
	{ "embeddings.word_embeddings", TARGET_TOKEN_EMBD },
	{ "embeddings.position_embeddings", TARGET_POSITION_EMBD },
	{ "embeddings.token_type_embeddings", TARGET_TOKEN_TYPES },
	{ "embeddings.LayerNorm", TARGET_TOKEN_EMBD_NORM },
	{ "encoder.layer.%.attention.self.query", TARGET_ATTN_Q },
	{ "encoder.layer.%.attention.self.key", TARGET_ATTN_K },
	{ "encoder.layer.%.attention.self.value", TARGET_ATTN_V },
	{ "encoder.layer.%.attention.output.dense", TARGET_ATTN_OUTPUT },
	{ "encoder.layer.%.attention.output.LayerNorm", TARGET_ATTN_OUTPUT_NORM },
	{ "encoder.layer.%.intermediate.dense", TARGET_FFN_UP },
	{ "encoder.layer.%.output.dense", TARGET_FFN_DOWN },
	{ "encoder.layer.%.output.LayerNorm", TARGET_LAYER_OUTPUT_NORM },
	{ NULL, 0 },
};

/* What most decoders have. q, k and v may come in one matrix, which is split. */
#define EMBEDDED \
	[TARGET_TOKEN_EMBD] = WEIGHT, \
	[TARGET_OUTPUT_NORM] = WEIGHT, \
	[TARGET_ATTN_NORM] = WEIGHT, \
	[TARGET_FFN_NORM] = WEIGHT, \
	[TARGET_FFN_DOWN] = WEIGHT
#define APART \
	[TARGET_ATTN_Q] = WEIGHT, \
	[TARGET_ATTN_K] = WEIGHT, \
	[TARGET_ATTN_V] = WEIGHT, \
	[TARGET_ATTN_OUTPUT] = WEIGHT
#define APART_AND_BIASES \
	[TARGET_ATTN_Q] = WEIGHT | BIAS_OR_NOT, \
	[TARGET_ATTN_K] = WEIGHT | BIAS_OR_NOT, \
	[TARGET_ATTN_V] = WEIGHT | BIAS_OR_NOT, \
	[TARGET_ATTN_OUTPUT] = WEIGHT | BIAS_OR_NOT
#define GATED \
	[TARGET_FFN_GATE] = WEIGHT, \
	[TARGET_FFN_UP] = WEIGHT

#define SILU "|Sigmoid|Silu|"
#define GELU "|Gelu|FastGelu|BiasGelu|"

/* llama.cpp's architecture llama, in short; granite's tensors are the same. */
#define LLAMA_TENSORS \
	[TARGET_TOKEN_EMBD] = WEIGHT, \
	[TARGET_OUTPUT_NORM] = WEIGHT, \
	[TARGET_OUTPUT] = WEIGHT_OR_NOT, \
	[TARGET_ATTN_NORM] = WEIGHT, \
	[TARGET_FFN_NORM] = WEIGHT, \
	APART_AND_BIASES, \
	[TARGET_FFN_GATE] = WEIGHT | BIAS_OR_NOT, \
	[TARGET_FFN_UP] = WEIGHT | BIAS_OR_NOT, \
	[TARGET_FFN_DOWN] = WEIGHT | BIAS_OR_NOT, \
	[TARGET_ROPE_FREQS] = WEIGHT_OR_NOT

static const struct llama_architecture architectures[] = {
	{ "llama", "llama", ROPE_NORM, 0, two_norms, SILU, { LLAMA_TENSORS } },
	{ "mistral", "llama", ROPE_NORM, 0, two_norms, SILU,
	  { LLAMA_TENSORS } },
	{ "granite", "granite", ROPE_NORM, TRAIT_GRANITE_SCALES, two_norms,
	  SILU, { LLAMA_TENSORS } },
	{ "ernie4_5", "ernie4_5", ROPE_NORM, 0, two_norms, SILU,
	  { EMBEDDED, APART_AND_BIASES, GATED,
	    [TARGET_OUTPUT] = WEIGHT_OR_NOT } },
	{ "qwen2", "qwen2", ROPE_NEOX, 0, two_norms, SILU,
	  { EMBEDDED, GATED,
	    [TARGET_OUTPUT] = WEIGHT_OR_NOT,
	    [TARGET_ATTN_Q] = WEIGHT | BIAS,
	    [TARGET_ATTN_K] = WEIGHT | BIAS,
	    [TARGET_ATTN_V] = WEIGHT | BIAS,
	    [TARGET_ATTN_OUTPUT] = WEIGHT } },
	{ "qwen3", "qwen3", ROPE_NEOX, 0, two_norms, SILU,
	  { EMBEDDED, APART, GATED,
	    [TARGET_OUTPUT] = WEIGHT_OR_NOT,
	    [TARGET_ATTN_Q_NORM] = WEIGHT,
	    [TARGET_ATTN_K_NORM] = WEIGHT } },
	{ "phi3", "phi3", ROPE_NEOX,
	  TRAIT_PARTIAL_ROPE | TRAIT_LONG_ROPE | TRAIT_NO_WINDOW_KEY,
	  two_norms, SILU,
	  { EMBEDDED,
	    [TARGET_OUTPUT] = WEIGHT_OR_NOT,
	    [TARGET_ATTN_QKV] = WEIGHT_OR_NOT,
	    APART,
	    [TARGET_FFN_GATE_UP] = WEIGHT,
	    [TARGET_ROPE_LONG] = WEIGHT_OR_NOT,
	    [TARGET_ROPE_SHORT] = WEIGHT_OR_NOT } },
	{ "phi", "phi2", ROPE_NEOX,
	  TRAIT_LAYER_NORM | TRAIT_PARTIAL_ROPE | TRAIT_ONE_NORM, two_norms,
	  GELU,
	  { [TARGET_TOKEN_EMBD] = WEIGHT,
	    [TARGET_OUTPUT_NORM] = WEIGHT | BIAS,
	    [TARGET_OUTPUT] = WEIGHT | BIAS,
	    [TARGET_ATTN_NORM] = WEIGHT | BIAS,
	    [TARGET_ATTN_Q] = WEIGHT | BIAS,
	    [TARGET_ATTN_K] = WEIGHT | BIAS,
	    [TARGET_ATTN_V] = WEIGHT | BIAS,
	    [TARGET_ATTN_OUTPUT] = WEIGHT | BIAS,
	    [TARGET_FFN_UP] = WEIGHT | BIAS,
	    [TARGET_FFN_DOWN] = WEIGHT | BIAS } },
	{ "gemma", "gemma", ROPE_NEOX, TRAIT_HEAD_SIZE | TRAIT_ROOT_EMBEDDING,
	  two_norms, GELU, { EMBEDDED, APART, GATED } },
	{ "gemma2", "gemma2", ROPE_NEOX,
	  TRAIT_HEAD_SIZE | TRAIT_ROOT_EMBEDDING | TRAIT_SOFTCAPS |
	      TRAIT_EVERY_OTHER_WINDOW,
	  four_norms, GELU,
	  { EMBEDDED, APART, GATED,
	    [TARGET_POST_ATTENTION_NORM] = WEIGHT,
	    [TARGET_POST_FFW_NORM] = WEIGHT } },
	{ "nemotron", "nemotron", ROPE_NEOX,
	  TRAIT_LAYER_NORM | TRAIT_PARTIAL_ROPE, two_norms, "|Relu|",
	  { APART_AND_BIASES,
	    [TARGET_TOKEN_EMBD] = WEIGHT,
	    [TARGET_OUTPUT_NORM] = WEIGHT | BIAS,
	    [TARGET_OUTPUT] = WEIGHT,
	    [TARGET_ATTN_NORM] = WEIGHT | BIAS,
	    [TARGET_FFN_NORM] = WEIGHT | BIAS,
	    [TARGET_FFN_UP] = WEIGHT | BIAS_OR_NOT,
	    [TARGET_FFN_DOWN] = WEIGHT | BIAS_OR_NOT } },
	{ "bert", "bert", ROPE_NONE, TRAIT_LAYER_NORM | TRAIT_ENCODER, encoder,
	  "|Gelu|BiasGelu|Erf|Div|",
	  { [TARGET_TOKEN_EMBD] = WEIGHT,
	    [TARGET_POSITION_EMBD] = WEIGHT,
	    [TARGET_TOKEN_TYPES] = WEIGHT_OR_NOT,
	    [TARGET_TOKEN_EMBD_NORM] = WEIGHT | BIAS,
	    [TARGET_ATTN_Q] = WEIGHT | BIAS,
	    [TARGET_ATTN_K] = WEIGHT | BIAS,
	    [TARGET_ATTN_V] = WEIGHT | BIAS,
	    [TARGET_ATTN_OUTPUT] = WEIGHT | BIAS,
	    [TARGET_ATTN_OUTPUT_NORM] = WEIGHT | BIAS,
	    [TARGET_FFN_UP] = WEIGHT | BIAS,
	    [TARGET_FFN_DOWN] = WEIGHT | BIAS,
	    [TARGET_LAYER_OUTPUT_NORM] = WEIGHT | BIAS } },
};
/* clang-format on */

void quire_llama_name(enum llama_target target, bool bias, size_t layer,
		      char name[QUIRE_LLAMA_NAME_SIZE])
{
	const struct llama_target_row *row = &quire_llama_targets[target];
	const char *end = bias ? "bias" : "weight";

	if (row->per_layer)
		snprintf(name, QUIRE_LLAMA_NAME_SIZE, "blk.%zu.%s.%s", layer,
			 row->name, end);
	else
		snprintf(name, QUIRE_LLAMA_NAME_SIZE, "%s.%s", row->name, end);
}

const struct llama_architecture *quire_llama_architecture(const char *type)
{
	for (size_t i = 0; i < sizeof(architectures) / sizeof(*architectures);
	     i++)
		if (strcmp(architectures[i].type, type) == 0)
			return &architectures[i];
	return NULL;
}

/* In the order of the table; tests compare the two. */
const char *quire_llama_types(void)
{
	return "llama, mistral, granite, ernie4_5, qwen2, qwen3, phi3, phi, "
	       "gemma, gemma2, nemotron, bert";
}

/* ------------------------------------------------------------ the last check
 */

struct check {
	const struct llama *llama;
	const struct plan *plan;
	struct table names; /* to the number of the item, from 1 */
	size_t found;	    /* items that were asked for */
};

static quire_status index_names(struct check *check)
{
	const struct plan *plan = check->plan;

	for (size_t i = 0; i < plan->item_count; i++) {
		const struct plan_item *item = &plan->items[i];
		quire_status status;

		if (item->kind == PLAN_LEFT_OUT || item->continues)
			continue;
		if (quire_table_find(&check->names, 0, item->name,
				     strlen(item->name)))
			return quire_llama_refuse(
			    check->llama, "two tensors would be called '%s'",
			    item->name);
		status =
		    quire_table_add(&check->names, 0, item->name,
				    strlen(item->name), i, check->llama->error);
		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

static const struct plan_item *find(const struct check *check,
				    enum llama_target target, bool bias,
				    size_t layer)
{
	char name[QUIRE_LLAMA_NAME_SIZE];
	const size_t *at;

	quire_llama_name(target, bias, layer, name);
	at = quire_table_find(&check->names, 0, name, strlen(name));
	return at ? &check->plan->items[*at] : NULL;
}

static quire_status check_shape(const struct check *check,
				enum llama_target target, bool bias,
				const struct plan_item *item)
{
	const struct llama_target_row *row = &quire_llama_targets[target];
	const struct llama *llama = check->llama;
	const bool matrix = !bias && row->cols != SIZE_ONE;
	const uint64_t rows = quire_llama_size(llama, row->rows);
	const uint64_t first =
	    matrix ? quire_llama_size(llama, row->cols) : rows;
	const uint64_t second = matrix ? rows : 1;

	if (item->rank == (matrix ? 2 : 1) && item->shape[0] == first &&
	    item->shape[1] == second)
		return QUIRE_OK;
	return quire_fail(llama->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "tensor '%s' of '%.60s' has the shape [%" PRIu64
			  ", %" PRIu64 "], and must have [%" PRIu64 ", %" PRIu64
			  "]",
			  item->name, item->value->name, item->shape[0],
			  item->shape[1], first, second);
}

/* Whether q, k and v are in one tensor of the layer. */
static bool is_fused(const struct check *check, enum llama_target target,
		     size_t layer)
{
	return (target == TARGET_ATTN_Q || target == TARGET_ATTN_K ||
		target == TARGET_ATTN_V) &&
	       find(check, TARGET_ATTN_QKV, false, layer);
}

static quire_status check_one(struct check *check, enum llama_target target,
			      bool bias, size_t layer)
{
	const struct llama *llama = check->llama;
	const unsigned wants = llama->architecture->wants[target];
	const struct plan_item *item = find(check, target, bias, layer);
	char name[QUIRE_LLAMA_NAME_SIZE];

	if (item) {
		check->found++;
		return check_shape(check, target, bias, item);
	}
	if (!(wants & (bias ? BIAS : WEIGHT)) || is_fused(check, target, layer))
		return QUIRE_OK;
	quire_llama_name(target, bias, layer, name);
	return quire_fail(llama->error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			  "llama.cpp's %s needs a tensor '%s', and the model "
			  "has none for it",
			  llama->architecture->name, name);
}

static quire_status check_target(struct check *check, enum llama_target target)
{
	const struct llama *llama = check->llama;
	const size_t count = quire_llama_targets[target].per_layer
				 ? (size_t)llama_count(llama, FACT_LAYERS)
				 : 1;
	quire_status status = QUIRE_OK;

	/* Both are ffn_up. */
	if (target == (llama->architecture->wants[TARGET_FFN_GATE_UP]
			   ? TARGET_FFN_UP
			   : TARGET_FFN_GATE_UP))
		return QUIRE_OK;
	for (size_t layer = 0; layer < count && status == QUIRE_OK; layer++) {
		status = check_one(check, target, false, layer);
		if (status == QUIRE_OK)
			status = check_one(check, target, true, layer);
	}
	return status;
}

/* A layer past the last one, say. */
static quire_status check_rest(const struct check *check)
{
	const uint64_t layers = llama_count(check->llama, FACT_LAYERS);

	if (check->found == check->plan->tensor_count)
		return QUIRE_OK;
	return quire_fail(check->llama->error, QUIRE_ERROR_LAYOUT,
			  QUIRE_NO_OFFSET,
			  "%zu tensors belong to no layer of the model, which "
			  "has %" PRIu64 " by %.80s",
			  check->plan->tensor_count - check->found, layers,
			  check->llama->facts[FACT_LAYERS].from);
}

quire_status quire_llama_check_tensors(const struct llama *llama,
				       const struct plan *plan)
{
	struct check check = { .llama = llama, .plan = plan };
	quire_status status = index_names(&check);

	for (int target = 0; target < TARGET_COUNT && status == QUIRE_OK;
	     target++)
		status = check_target(&check, (enum llama_target)target);
	if (status == QUIRE_OK)
		status = check_rest(&check);
	quire_table_free(&check.names);
	return status;
}
