/*
 * llama_place.c - which item of the plan is which tensor of llama.cpp: by its
 * name, and for what a name does not say by the nodes that take it. Then what
 * the shapes of the tensors say about the model.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/llama/llama_model.h"

/* ------------------------------------------------------------------- names */

#define NAME_SIZE 256

/* A name without its end, and what the end says. */
struct stem {
	char text[NAME_SIZE];
	bool bias;
};

/* Removes `end` from the text, if it is there and not all of it. */
static bool strip(char *text, const char *end)
{
	const size_t size = strlen(text);
	const size_t length = strlen(end);

	if (size <= length || strcmp(text + size - length, end) != 0)
		return false;
	text[size - length] = '\0';
	return true;
}

/* Makes every .self_attn. an .attn.; both are names of exporters. */
static void shorten(char *text)
{
	char *at = strstr(text, ".self_attn.");

	if (at)
		memmove(at + 1, at + 6, strlen(at + 6) + 1);
}

static bool read_stem(const char *name, struct stem *stem)
{
	if (strlen(name) >= sizeof(stem->text))
		return false;
	strcpy(stem->text, name);
	stem->bias = strip(stem->text, ".bias");
	if (!stem->bias && !strip(stem->text, ".weight"))
		return false;
	strip(stem->text, ".Add");
	strip(stem->text, ".MatMul");
	strip(stem->text, ".layernorm");
	shorten(stem->text);
	return true;
}

/* Whether the name is the row's, and which layer it names. */
static bool row_matches(const char *row, const char *name, size_t *layer)
{
	*layer = 0;
	for (; *row && *name; row++) {
		if (*row != '%') {
			if (*row != *name++)
				return false;
			continue;
		}
		if (*name < '0' || *name > '9')
			return false;
		for (; *name >= '0' && *name <= '9'; name++) {
			if (*layer > 100000)
				return false;
			*layer = *layer * 10 + (size_t)(*name - '0');
		}
	}
	return !*row && !*name;
}

/* The row whose name this is, or its end behind a point. */
static const struct llama_source_row *find_row(
    const struct llama_architecture *architecture, const char *name,
    size_t *layer)
{
	for (;; name++) {
		for (const struct llama_source_row *row = architecture->sources;
		     row->name; row++)
			if (row_matches(row->name, name, layer))
				return row;
		name = strchr(name, '.');
		if (!name)
			return NULL;
	}
}

/* ------------------------------------------------------------------- items */

/* Whether llama.cpp makes such a constant itself, or the graph has it for
 * nothing that llama.cpp computes. */
static bool is_needless(const struct llama *llama, const struct plan_item *item)
{
	const struct llama_graph *graph = &llama->graph;
	const struct onnx_value *value = item->value;

	for (size_t i = 0; i < graph->table_count; i++)
		if (value == graph->cos[i] || value == graph->sin[i])
			return true;
	if (item->weight)
		return false;
	if (value->count == 1)
		return true;
	/* The layer behind an encoder's first token, which no output has. */
	return llama_has(llama, TRAIT_ENCODER) && strstr(value->name, "pooler");
}

static quire_status leave_out(struct plan_item *item, const char *reason)
{
	item->kind = PLAN_LEFT_OUT;
	item->outcome = QUIRE_OUTCOME_SKIPPED;
	item->name = NULL;
	item->index = QUIRE_NO_TENSOR;
	item->size = 0;
	item->scale_error_max = 0;
	item->scale_error_mean = 0;
	snprintf(item->reason, sizeof(item->reason), "%s", reason);
	return QUIRE_OK;
}

static quire_status place_item(struct llama *llama, struct plan_item *item)
{
	const struct llama_source_row *row = NULL;
	struct llama_tensor *tensor = &llama->tensors[llama->tensor_count];
	struct stem stem;
	size_t layer = 0;

	if (read_stem(item->name, &stem))
		row = find_row(llama->architecture, stem.text, &layer);
	if (!row && is_needless(llama, item))
		return leave_out(item, "llama.cpp has no use for it");
	if (!row)
		return quire_llama_refuse(
		    llama,
		    "tensor '%.80s' has no place in llama.cpp's architecture "
		    "'%s'",
		    item->name, llama->architecture->name);
	if (!quire_llama_targets[row->target].per_layer)
		layer = 0; /* that of the last norm is one more */
	if (quire_llama_find(llama, row->target, stem.bias, layer))
		return quire_llama_refuse(
		    llama, "tensor '%.80s': there is another '%.80s'",
		    item->name, row->name);
	*tensor = (struct llama_tensor){ .target = row->target,
					 .bias = stem.bias,
					 .layer = layer,
					 .item = item };
	llama->tensor_count++;
	return QUIRE_OK;
}

/* -------------------------------------------------------- tied embeddings */

/* Whether a node takes rows of the weight or the matrix. */
static bool is_gathered(const struct llama *llama, const struct plan *plan,
			const struct plan_item *item)
{
	const struct onnx_node *node = NULL;

	for (size_t i = 0; i < plan->weight_count; i++) {
		const struct weight *weight = &plan->weights[i];

		if (item->weight &&
		    weight->storage.codes.value ==
			item->weight->storage.codes.value &&
		    (strcmp(weight->node->op_type, "GatherBlockQuantized") ==
			 0 ||
		     quire_onnx_is(weight->node, "Gather")))
			return true;
	}
	while ((node = quire_llama_taker(llama, item->value, node)))
		if (quire_onnx_is(node, "Gather") &&
		    quire_llama_input(llama, node, 0) == item->value)
			return true;
	return false;
}

/* One tensor for both is llama.cpp's token_embd. */
static quire_status tie(struct llama *llama, const struct plan *plan)
{
	struct llama_tensor *output = NULL;
	const struct llama_tensor *embedding =
	    quire_llama_find(llama, TARGET_TOKEN_EMBD, false, 0);

	for (size_t i = 0; i < llama->tensor_count; i++)
		if (llama->tensors[i].target == TARGET_OUTPUT &&
		    !llama->tensors[i].bias)
			output = &llama->tensors[i];
	if (embedding && !output)
		llama->tied = !llama_has(llama, TRAIT_ENCODER);
	if (embedding || !output)
		return QUIRE_OK;
	if (!is_gathered(llama, plan, output->item))
		return quire_llama_refuse(
		    llama,
		    "no tensor is the embedding: '%.80s' is the head alone",
		    output->item->name);
	output->target = TARGET_TOKEN_EMBD;
	llama->tied = true;
	return QUIRE_OK;
}

/* ------------------------------------------------------------------ shapes */

/* Rows and columns in llama.cpp's order, whether or not ONNX has the matrix
 * transposed. */
static uint64_t rows_of(const struct llama *llama,
			const struct llama_tensor *tensor)
{
	const struct plan_item *item = tensor->item;

	if (item->rank < 2)
		return item->shape[0];
	return quire_llama_is_transposed(llama, item) ? item->shape[0]
						      : item->shape[1];
}

static uint64_t cols_of(const struct llama *llama,
			const struct llama_tensor *tensor)
{
	const struct plan_item *item = tensor->item;

	if (item->rank < 2)
		return 1;
	return quire_llama_is_transposed(llama, item) ? item->shape[1]
						      : item->shape[0];
}

bool quire_llama_is_transposed(const struct llama *llama,
			       const struct plan_item *item)
{
	const struct onnx_node *node = NULL;

	if (item->weight || item->rank != 2)
		return false;
	while ((node = quire_llama_taker(llama, item->value, node))) {
		if (quire_llama_input(llama, node, 1) != item->value)
			continue;
		if (quire_onnx_is(node, "MatMul") ||
		    (quire_onnx_is(node, "Gemm") &&
		     quire_onnx_integer(node, "transB", 0) == 0))
			return true;
	}
	return false;
}

/* A fact that the rows or columns of a weight say. */
static const struct shape_row {
	enum llama_target target;
	bool rows;
	enum llama_fact_name fact;
} shape_rows[] = {
	{ TARGET_TOKEN_EMBD, true, FACT_VOCABULARY },
	{ TARGET_TOKEN_EMBD, false, FACT_HIDDEN },
	{ TARGET_FFN_DOWN, false, FACT_FEED_FORWARD },
	{ TARGET_POSITION_EMBD, true, FACT_CONTEXT },
	{ TARGET_TOKEN_TYPES, true, FACT_TOKEN_TYPES },
};

static quire_status learn_shapes(struct llama *llama)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < sizeof(shape_rows) / sizeof(*shape_rows); i++) {
		const struct shape_row *row = &shape_rows[i];
		const struct llama_tensor *tensor =
		    quire_llama_find(llama, row->target, false, 0);

		if (tensor && status == QUIRE_OK)
			status = quire_llama_learn(
			    llama, row->fact,
			    (double)(row->rows ? rows_of(llama, tensor)
					       : cols_of(llama, tensor)),
			    "the shape of '%.80s'", tensor->item->name);
	}
	return status;
}

/* Attention's output has the rows of all heads as columns. */
static quire_status learn_head_size(struct llama *llama)
{
	const struct llama_tensor *output =
	    quire_llama_find(llama, TARGET_ATTN_OUTPUT, false, 0);
	const uint64_t heads = llama_count(llama, FACT_HEADS);
	uint64_t cols;

	if (!output || heads == 0)
		return QUIRE_OK;
	cols = cols_of(llama, output);
	return quire_llama_learn(llama, FACT_HEAD_SIZE,
				 (double)cols / (double)heads,
				 "the shape of '%.60s' and %u heads",
				 output->item->name, (unsigned)heads);
}

/* What says how many tokens there are may count fewer than the embedding has
 * rows, never more. */
static quire_status check_vocabulary(const struct llama *llama)
{
	struct json_value root, model;
	uint32_t size;
	quire_status status;

	if (!llama->genai)
		return QUIRE_OK;
	root = quire_json_root(llama->genai);
	if (!quire_json_find(&root, "model", &model) ||
	    !quire_json_find(&model, "vocab_size", NULL))
		return QUIRE_OK;
	status = quire_json_get_u32(&model, "vocab_size", &size, llama->error);
	if (status != QUIRE_OK || size <= llama_count(llama, FACT_VOCABULARY))
		return status;
	return quire_fail(llama->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "the number of tokens is %u by vocab_size in "
			  "genai_config.json, and %.9g by %.80s",
			  size, llama->facts[FACT_VOCABULARY].value,
			  llama->facts[FACT_VOCABULARY].from);
}

quire_status quire_llama_place(struct llama *llama, struct plan *plan)
{
	quire_status status = QUIRE_OK;

	llama->tensors = quire_arena_own(&llama->arena, plan->item_count + 1,
					 sizeof(*llama->tensors));
	if (!llama->tensors)
		return quire_fail_memory(llama->error, plan->item_count);
	for (size_t i = 0; i < plan->item_count && status == QUIRE_OK; i++)
		if (plan->items[i].kind != PLAN_LEFT_OUT)
			status = place_item(llama, &plan->items[i]);
	if (status == QUIRE_OK)
		status = tie(llama, plan);
	if (status == QUIRE_OK)
		status = learn_shapes(llama);
	if (status == QUIRE_OK)
		status = learn_head_size(llama);
	return status == QUIRE_OK ? check_vocabulary(llama) : status;
}
