/*
 * llama_nodes.c - compares the graph around the weights with what llama.cpp
 * computes there: which norm feeds a product, what multiplies its result, and
 * which activation follows. Names alone do not show that: builders have taken
 * another layer for the head because of its shape.
 */
#include <math.h>
#include <string.h>

#include "convert/llama/llama_model.h"

/* ------------------------------------------------------------------ walking */

static bool is_one_of(const struct onnx_node *node, const char *list)
{
	const size_t size = strlen(node->op_type);
	const char *at = list;

	while ((at = strstr(at, node->op_type))) {
		if (at > list && at[-1] == '|' && at[size] == '|')
			return true;
		at++;
	}
	return false;
}

/* The node that multiplies by a tensor; NULL: none. */
static const struct onnx_node *product_of(const struct llama *llama,
					  const struct plan *plan,
					  const struct plan_item *item)
{
	const struct onnx_node *node = NULL;

	for (size_t i = 0; item->weight && i < plan->weight_count; i++) {
		const struct weight *weight = &plan->weights[i];

		if (weight->storage.codes.value ==
			item->weight->storage.codes.value &&
		    !weight->intent.no_linear)
			return weight->node;
	}
	while ((node = quire_llama_taker(llama, item->value, node)))
		if (quire_onnx_is(node, "MatMul") ||
		    quire_onnx_is(node, "Gemm"))
			return node;
	return NULL;
}

/* The first result of a node. */
static const struct onnx_value *result_of(const struct llama *llama,
					  const struct onnx_node *node)
{
	return node->output_count > 0
		   ? quire_onnx_find(llama->model, node->scope,
				     node->outputs[0])
		   : NULL;
}

/* Nodes that pass numbers on, all of them or some. */
#define PASSING "|Cast|Identity|Reshape|Gather|Slice|Squeeze|Unsqueeze|Split|"

/* A model has no longer row of such nodes. */
#define STEPS_MAX 16

/* The node that computes a value, behind nodes that pass it on. */
static const struct onnx_node *maker_of(const struct llama *llama,
					const struct onnx_value *value)
{
	const struct onnx_node *node = quire_onnx_producer(llama->model, value);

	for (int i = 0; i < STEPS_MAX && node && is_one_of(node, PASSING); i++)
		node = quire_onnx_producer(llama->model,
					   quire_llama_input(llama, node, 0));
	return node;
}

/* The constant behind nodes that pass it on. */
static const struct onnx_value *constant_of(const struct llama *llama,
					    const struct onnx_value *value)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		const struct onnx_node *node =
		    quire_onnx_producer(llama->model, value);

		if (!node || !is_one_of(node, PASSING))
			break;
		value = quire_llama_input(llama, node, 0);
	}
	return value;
}

/* -------------------------------------------------------------- multipliers */

/* What is done to every number of a result. */
struct scaling {
	double times;	/* all factors, or those before a tanh */
	double softcap; /* the factor behind a tanh; 0: no tanh */
	const struct onnx_value *end;
};

/* The other input of a node with two, if that is a scalar. */
static bool other_scalar(const struct llama *llama,
			 const struct onnx_node *node,
			 const struct onnx_value *value, double *number)
{
	const struct onnx_value *first = quire_llama_input(llama, node, 0);
	const struct onnx_value *second = quire_llama_input(llama, node, 1);

	return quire_llama_scalar(
	    constant_of(llama, first == value ? second : first), number);
}

/* Takes a node behind the value into account; false: it ends there. */
static bool step_over(const struct llama *llama, const struct onnx_node *node,
		      struct scaling *scaling)
{
	double number = 1;

	if (quire_onnx_is(node, "Tanh")) {
		scaling->softcap = 1;
	} else if (quire_onnx_is(node, "Mul") || quire_onnx_is(node, "Div")) {
		if (!other_scalar(llama, node, scaling->end, &number) ||
		    number == 0)
			return false;
		if (quire_onnx_is(node, "Div"))
			number = 1 / number;
		if (scaling->softcap != 0)
			scaling->softcap *= number;
		else
			scaling->times *= number;
	} else if (!quire_onnx_is(node, "Cast") &&
		   !quire_onnx_is(node, "Identity")) {
		const struct onnx_value *other =
		    quire_llama_input(llama, node, 1);

		if (other == scaling->end)
			other = quire_llama_input(llama, node, 0);
		other = constant_of(llama, other);
		if (!quire_onnx_is(node, "Add") || !other ||
		    other->origin != ONNX_CONSTANT)
			return false;
	}
	scaling->end = result_of(llama, node);
	return scaling->end != NULL;
}

static struct scaling scaling_of(const struct llama *llama,
				 const struct onnx_value *value)
{
	struct scaling scaling = { .times = 1, .end = value };

	for (int i = 0; i < STEPS_MAX && scaling.end; i++) {
		const struct onnx_node *node =
		    quire_llama_taker(llama, scaling.end, NULL);

		if (!node || !step_over(llama, node, &scaling))
			break;
	}
	return scaling;
}

/* A multiplier of each layer's part, of the embeddings or of the logits. */
static quire_status check_multiplier(struct llama *llama,
				     enum llama_fact_name fact, double value,
				     const struct onnx_node *node)
{
	const double root = sqrt(llama->facts[FACT_HIDDEN].value);

	if (llama_has(llama, TRAIT_GRANITE_SCALES))
		return quire_llama_learn(llama, fact, value,
					 "the node behind '%.60s'",
					 quire_onnx_label(node));
	/* Builders round the root to two decimals. */
	if (fact == FACT_EMBEDDING_SCALE &&
		    llama_has(llama, TRAIT_ROOT_EMBEDDING)
		? fabs(value - root) <= 0.01
		: value == 1)
		return QUIRE_OK;
	return quire_llama_refuse(
	    llama,
	    "the result of node '%.60s' is multiplied by %g, which llama.cpp's "
	    "%s does not do",
	    quire_onnx_label(node), value, llama->architecture->name);
}

static quire_status check_embedding(struct llama *llama,
				    const struct plan *plan)
{
	const struct llama_tensor *tensor =
	    quire_llama_find(llama, TARGET_TOKEN_EMBD, false, 0);
	const struct onnx_node *node = NULL;

	if (!tensor)
		return QUIRE_OK;
	for (size_t i = 0; tensor->item->weight && i < plan->weight_count; i++)
		if (plan->weights[i].storage.codes.value ==
			tensor->item->weight->storage.codes.value &&
		    plan->weights[i].intent.no_linear)
			node = plan->weights[i].node;
	while (!tensor->item->weight &&
	       (node = quire_llama_taker(llama, tensor->item->value, node)))
		if (quire_onnx_is(node, "Gather"))
			break;
	if (!node)
		return QUIRE_OK;
	return check_multiplier(llama, FACT_EMBEDDING_SCALE,
				scaling_of(llama, result_of(llama, node)).times,
				node);
}

static quire_status check_residuals(struct llama *llama,
				    const struct plan *plan)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < llama->tensor_count && status == QUIRE_OK; i++) {
		const struct llama_tensor *tensor = &llama->tensors[i];
		const struct onnx_node *node;

		if (tensor->bias || (tensor->target != TARGET_ATTN_OUTPUT &&
				     tensor->target != TARGET_FFN_DOWN))
			continue;
		node = product_of(llama, plan, tensor->item);
		if (node)
			status = check_multiplier(
			    llama, FACT_RESIDUAL_SCALE,
			    scaling_of(llama, result_of(llama, node)).times,
			    node);
	}
	return status;
}

/* ------------------------------------------------------------------- norms */

/* The norm that feeds a product. */
static enum llama_target norm_before(const struct llama *llama,
				     enum llama_target target)
{
	switch (target) {
	case TARGET_OUTPUT:
	case TARGET_TOKEN_EMBD: /* where it is the head too */
		return TARGET_OUTPUT_NORM;
	case TARGET_ATTN_QKV:
	case TARGET_ATTN_Q:
	case TARGET_ATTN_K:
	case TARGET_ATTN_V:
		return TARGET_ATTN_NORM;
	case TARGET_FFN_GATE:
	case TARGET_FFN_UP:
	case TARGET_FFN_GATE_UP:
		return llama_has(llama, TRAIT_ONE_NORM) ? TARGET_ATTN_NORM
							: TARGET_FFN_NORM;
	default:
		return TARGET_COUNT;
	}
}

/* Whether a norm multiplies by this constant. */
static bool is_norm_by(const struct llama *llama, const struct onnx_node *node,
		       const struct onnx_value *weight)
{
	const size_t input = strncmp(node->op_type, "Skip", 4) == 0 ? 2 : 1;

	return constant_of(llama, quire_llama_input(llama, node, input)) ==
	       weight;
}

static quire_status check_norm(const struct llama *llama,
			       const struct plan *plan,
			       const struct llama_tensor *tensor)
{
	const enum llama_target before = norm_before(llama, tensor->target);
	const struct llama_tensor *norm;
	const struct onnx_node *node;
	const struct onnx_node *maker;

	if (before == TARGET_COUNT || tensor->bias ||
	    (tensor->target == TARGET_TOKEN_EMBD && !llama->tied))
		return QUIRE_OK;
	norm = quire_llama_find(llama, before, false, tensor->layer);
	node = product_of(llama, plan, tensor->item);
	if (!node || !norm)
		return quire_llama_refuse(
		    llama, "tensor '%.80s': no %s", tensor->item->name,
		    node ? "norm stands before it" : "node multiplies by it");
	maker = maker_of(llama, quire_llama_input(llama, node, 0));
	if (quire_llama_is_norm(maker) &&
	    is_norm_by(llama, maker, norm->item->value))
		return QUIRE_OK;
	return quire_llama_refuse(
	    llama,
	    "node '%.60s' multiplies by '%.60s', and is fed by '%.60s', not by "
	    "the norm '%.60s'",
	    quire_onnx_label(node), tensor->item->name,
	    maker ? quire_onnx_label(maker) : "an input", norm->item->name);
}

/* -------------------------------------------------------------------- head */

static quire_status check_head(struct llama *llama, const struct plan *plan)
{
	const struct llama_tensor *head = quire_llama_find(
	    llama, llama->tied ? TARGET_TOKEN_EMBD : TARGET_OUTPUT, false, 0);
	const struct onnx_node *node =
	    head ? product_of(llama, plan, head->item) : NULL;
	struct scaling scaling;

	if (!node)
		return quire_llama_refuse(
		    llama, "no node multiplies by '%.80s' for the logits",
		    head ? head->item->name : "lm_head");
	scaling = scaling_of(llama, result_of(llama, node));
	if (!scaling.end || !scaling.end->output)
		return quire_llama_refuse(
		    llama,
		    "the result of node '%.60s', by the head '%.60s', is not "
		    "the model's",
		    quire_onnx_label(node), head->item->name);
	if (scaling.softcap != 0) {
		if (!llama_has(llama, TRAIT_SOFTCAPS) ||
		    fabs(scaling.times * scaling.softcap - 1) > 1e-5)
			return quire_llama_refuse(
			    llama,
			    "the result of node '%.60s' has a softcap that "
			    "llama.cpp's %s has not",
			    quire_onnx_label(node), llama->architecture->name);
		return quire_llama_learn(
		    llama, FACT_FINAL_SOFTCAP, scaling.softcap,
		    "the nodes behind '%.60s'", quire_onnx_label(node));
	}
	return check_multiplier(llama, FACT_LOGIT_SCALE, 1 / scaling.times,
				node);
}

/* --------------------------------------------------------------- activation */

/* Of the gate; of a model without gates, of what goes up. */
static quire_status check_activation(const struct llama *llama,
				     const struct plan *plan, size_t layer)
{
	const struct llama_tensor *tensor =
	    quire_llama_find(llama, TARGET_FFN_GATE, false, layer);
	const struct onnx_node *node = NULL;
	const struct onnx_node *taker = NULL;
	struct scaling scaling;

	if (!tensor)
		tensor = quire_llama_find(llama, TARGET_FFN_UP, false, layer);
	if (tensor)
		node = product_of(llama, plan, tensor->item);
	if (!node)
		return QUIRE_OK; /* gate and up in one matrix */
	scaling = scaling_of(llama, result_of(llama, node));
	while ((taker = quire_llama_taker(llama, scaling.end, taker)))
		if (is_one_of(taker, llama->architecture->activations))
			return QUIRE_OK;
	taker = quire_llama_taker(llama, scaling.end, NULL);
	return quire_llama_refuse(
	    llama,
	    "behind node '%.60s' comes %.40s, which is not the activation of "
	    "llama.cpp's %s",
	    quire_onnx_label(node), taker ? taker->op_type : "nothing",
	    llama->architecture->name);
}

/* --------------------------------------------------------------- attention */

/* llama.cpp divides by the root of a head's size. */
static quire_status check_attention(const struct llama *llama)
{
	const struct llama_fact *scale = &llama->facts[FACT_ATTENTION_SCALE];
	const double usual = 1 / sqrt(llama->facts[FACT_HEAD_SIZE].value);

	if (llama_knows(llama, FACT_ATTENTION_SOFTCAP) &&
	    !llama_has(llama, TRAIT_SOFTCAPS))
		return quire_llama_refuse(
		    llama, "%.80s: llama.cpp's %s has no softcap of attention",
		    llama->facts[FACT_ATTENTION_SOFTCAP].from,
		    llama->architecture->name);
	if (!scale->known || llama_has(llama, TRAIT_GRANITE_SCALES) ||
	    fabs(scale->value - usual) <= 1e-4 * usual)
		return QUIRE_OK;
	return quire_llama_refuse(
	    llama,
	    "%.80s is %g, and llama.cpp's %s multiplies by %g, the root of a "
	    "head's size",
	    scale->from, scale->value, llama->architecture->name, usual);
}

/* What an architecture has keys for, and what is 1 elsewhere. */
static quire_status need_multipliers(const struct llama *llama)
{
	static const enum llama_fact_name granite[] = { FACT_ATTENTION_SCALE,
							FACT_EMBEDDING_SCALE,
							FACT_RESIDUAL_SCALE,
							FACT_LOGIT_SCALE };
	static const enum llama_fact_name capped[] = { FACT_ATTENTION_SOFTCAP,
						       FACT_FINAL_SOFTCAP,
						       FACT_WINDOW };
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < 4 && status == QUIRE_OK; i++)
		if (llama_has(llama, TRAIT_GRANITE_SCALES))
			status = quire_llama_need(llama, granite[i]);
	for (size_t i = 0; i < 3 && status == QUIRE_OK; i++)
		if (llama_has(llama, TRAIT_SOFTCAPS))
			status = quire_llama_need(llama, capped[i]);
	return status;
}

quire_status quire_llama_check_nodes(struct llama *llama,
				     const struct plan *plan)
{
	const size_t layers = (size_t)llama_count(llama, FACT_LAYERS);
	quire_status status = check_attention(llama);

	if (status != QUIRE_OK || llama_has(llama, TRAIT_ENCODER))
		return status;
	status = check_head(llama, plan);
	for (size_t i = 0; i < llama->tensor_count && status == QUIRE_OK; i++)
		status = check_norm(llama, plan, &llama->tensors[i]);
	if (status == QUIRE_OK)
		status = check_embedding(llama, plan);
	if (status == QUIRE_OK)
		status = check_residuals(llama, plan);
	for (size_t i = 0; i < layers && status == QUIRE_OK; i++)
		status = check_activation(llama, plan, i);
	return status == QUIRE_OK ? need_multipliers(llama) : status;
}
