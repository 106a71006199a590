/*
 * thin_choose.c - decides which nodes become quire.Linear, quire.LinearMany and
 * quire.Embedding. A node that cannot stays as it is, with its weight, and the
 * report says why.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/table.h"
#include "convert/thin/thin.h"
#include "format/operation.h"

static size_t number_of(const struct thinning *thin,
			const struct onnx_node *node)
{
	return (size_t)(node - thin->model->nodes);
}

/* The operators take f32 and f16. */
static bool has_kernel(int32_t type)
{
	return type == ONNX_FLOAT || type == ONNX_FLOAT16;
}

/* Names become attributes, those of a quire.LinearMany one on each line. */
static bool is_plain(quire_string name)
{
	for (size_t i = 0; i < name.size; i++)
		if ((unsigned char)name.data[i] < 0x20)
			return false;
	return true;
}

/* Whether a node gives one value. */
static bool gives_one(const struct onnx_node *node)
{
	if (node->output_count == 0 || !node->outputs[0][0])
		return false;
	for (size_t i = 1; i < node->output_count; i++)
		if (node->outputs[i][0])
			return false;
	return true;
}

static const struct onnx_value *input_of(const struct thinning *thin,
					 const struct onnx_node *node,
					 size_t input)
{
	return input < node->input_count && node->inputs[input][0]
		   ? quire_onnx_find(thin->model, node->scope,
				     node->inputs[input])
		   : NULL;
}

/* -------------------------------------------------------------- operations */

/* Whether a tensor has rows of a constant by an operation (F-49). */
static bool has_rows(const quire_tensor *tensor, const char *constant)
{
	quire_string text = tensor->operation;
	const size_t size = strlen(constant);
	struct quire_step step;

	if (text.size > 0 && tensor->source.size == size &&
	    memcmp(tensor->source.data, constant, size) == 0)
		return true;
	while (text.size > 0 && quire_step_next(&text, &step))
		if (step.kind == QUIRE_STEP_JOIN && step.name.size == size &&
		    memcmp(step.name.data, constant, size) == 0)
			return true;
	return false;
}

/* Whether the container has a constant only by operations; NULL: it has not. */
static bool is_rearranged(const struct thinning *thin,
			  const struct onnx_value *constant)
{
	for (size_t i = 0; constant && i < quire_model_tensor_count(thin->file);
	     i++)
		if (has_rows(quire_model_tensor(thin->file, i), constant->name))
			return true;
	return false;
}

/* ----------------------------------------------------------------- linears */

/* The type of x, if the model states it; else that of the weight, which the
 * operators require to be the same. */
static int32_t type_of_x(const struct thinning *thin,
			 const struct weight *weight)
{
	const struct onnx_value *x = input_of(thin, weight->node, 0);

	return x && x->type != 0 ? x->type : weight->intent.type;
}

/* Whether what an Add of the bias gives has the shape of the product. A bias of
 * [1, n] adds a dimension where x is a vector. */
static bool keeps_shape(const struct thinning *thin,
			const struct weight *weight)
{
	const size_t rank = weight->intent.bias->rank;
	const struct onnx_value *x = input_of(thin, weight->node, 0);

	return rank == 1 || (x->has_shape && x->rank >= rank);
}

/* If an Add adds the bias, the linear gives what the Add gives. */
static void choose_output(const struct thinning *thin,
			  const struct weight *weight, struct thin_node *node)
{
	const struct onnx_node *adder =
	    node->linear->bias ? weight->intent.adder : NULL;

	node->output = weight->node->outputs[0];
	node->adder = SIZE_MAX;
	if (adder && keeps_shape(thin, weight)) {
		node->output = adder->outputs[0];
		node->adder = number_of(thin, adder);
	} else if (adder) {
		node->no_bias = true;
	}
}

/* Makes the node a quire.Linear, or returns why it stays. */
static const char *choose_linear(struct thinning *thin,
				 const struct weight *weight,
				 const quire_linear *linear)
{
	struct thin_node *node = &thin->nodes[number_of(thin, weight->node)];

	if (!linear && is_rearranged(thin, weight->intent.bias))
		return "the container has the rows of its bias in another "
		       "order or tensor (convert --for llama.cpp)";
	if (!linear)
		return "the container lacks its linear";
	if (weight->intent.integers)
		return "it multiplies in integers, and its linear in floats";
	if (!has_kernel(type_of_x(thin, weight)))
		return "x is neither FLOAT nor FLOAT16";
	if (!gives_one(weight->node) || !input_of(thin, weight->node, 0))
		return "it is not a node with one x and one y";
	if (!is_plain(linear->name))
		return "the name of its linear has a control character";
	node->kind = THIN_LINEAR;
	node->input = weight->node->inputs[0];
	node->linear = linear;
	node->type = type_of_x(thin, weight);
	choose_output(thin, weight, node);
	node->next = SIZE_MAX;
	node->last = number_of(thin, weight->node);
	return NULL;
}

/* -------------------------------------------------------------- embeddings */

/* The indices of a Gather of rows before an input of a node, or NULL. */
static const struct onnx_value *gathered_by(const struct thinning *thin,
					    const struct onnx_node *node,
					    size_t input, const char **name)
{
	const struct onnx_node *gather =
	    quire_onnx_producer(thin->model, input_of(thin, node, input));
	const struct onnx_value *indices =
	    gather && quire_onnx_is(gather, "Gather")
		? input_of(thin, gather, 1)
		: NULL;

	if (indices)
		*name = gather->inputs[1];
	return indices;
}

/* The indices by which the Gathers before a DequantizeLinear take rows; NULL
 * if these are not the same indices, or are not to be had at the node. */
static const char *find_rows(const struct thinning *thin,
			     const struct onnx_node *node)
{
	const char *name = NULL;
	const char *other;
	const struct onnx_value *indices = gathered_by(thin, node, 0, &name);

	if (!indices ||
	    quire_onnx_find(thin->model, node->scope, name) != indices)
		return NULL;
	for (size_t i = 1; i < node->input_count; i++) {
		const struct onnx_value *value = input_of(thin, node, i);

		if (value && value->origin != ONNX_CONSTANT &&
		    gathered_by(thin, node, i, &other) != indices)
			return NULL;
	}
	return name;
}

static bool gathers_rows(const struct onnx_node *node)
{
	const int64_t axis = quire_onnx_integer(node, "gather_axis", 0);

	return axis == 0 || axis == -2;
}

/* Makes the node a quire.Embedding, or returns why it stays. */
static const char *choose_embedding(struct thinning *thin,
				    const struct weight *weight,
				    const quire_tensor *tensor)
{
	const struct onnx_node *from = weight->node;
	const bool gather = strcmp(from->op_type, "GatherBlockQuantized") == 0;
	struct thin_node *node = &thin->nodes[number_of(thin, from)];
	const int32_t type = weight->intent.type;
	const char *indices =
	    gather && input_of(thin, from, 1) ? from->inputs[1] : NULL;

	if (!gather)
		indices = find_rows(thin, from);
	if (!indices)
		return "there is no quire operator for it";
	if (weight->value.rank != 2 || (gather && !gathers_rows(from)))
		return "it does not take rows of a matrix";
	if (type != ONNX_FLOAT && type != ONNX_FLOAT16)
		return "it gives neither FLOAT nor FLOAT16";
	if (!gives_one(from) || !is_plain(tensor->name))
		return "its name has a control character, or it does not give "
		       "one value";
	node->kind = THIN_EMBEDDING;
	node->input = indices;
	node->tensor = tensor;
	node->rows = weight->value.n;
	node->k = weight->value.k;
	node->type = type;
	return NULL;
}

/* ----------------------------------------------------------------- grouping */

/* Linears with equal keys have one x. No padding: equal keys are equal
 * bytes. */
struct group_key {
	size_t scope;
	size_t x; /* the value's number */
	uint64_t k;
	uint64_t level;
	uint64_t no_bias;
};

_Static_assert(sizeof(struct group_key) ==
		   2 * sizeof(size_t) + 3 * sizeof(uint64_t),
	       "no padding");

static struct group_key key_of(const struct thinning *thin, size_t number)
{
	const struct onnx_node *node = &thin->model->nodes[number];
	const quire_linear *linear = thin->nodes[number].linear;

	return (struct group_key){
		.scope = node->scope,
		.x = (size_t)(input_of(thin, node, 0) - thin->model->values),
		.k = linear->k,
		.level = linear->accuracy_level,
		.no_bias = thin->nodes[number].no_bias,
	};
}

/* Joins a linear to the first one with its key. No linear of a group depends on
 * another one: all inputs but x are constants. */
static quire_status join(struct thinning *thin, struct table *groups,
			 const struct group_key *key, size_t number)
{
	const size_t *first = quire_table_find(groups, 0, key, sizeof(*key));

	if (!first)
		return quire_table_add(groups, 0, key, sizeof(*key), number,
				       thin->error);

	struct thin_node *head = &thin->nodes[*first];

	thin->nodes[head->last].next = number;
	head->last = number;
	thin->nodes[number].kind = THIN_JOINED;
	thin->report->public.groups += head->next == number;
	return QUIRE_OK;
}

static quire_status join_all(struct thinning *thin)
{
	const size_t count = thin->model->node_count;
	struct group_key *keys = calloc(count + 1, sizeof(*keys));
	struct table groups = { .entries = NULL };
	quire_status status = QUIRE_OK;

	if (!keys)
		return quire_fail_memory(thin->error, count * sizeof(*keys));
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		if (thin->nodes[i].kind != THIN_LINEAR)
			continue;
		if (thin->nodes[i].adder != SIZE_MAX)
			thin->nodes[thin->nodes[i].adder].kind = THIN_ADDER;
		keys[i] = key_of(thin, i);
		status = join(thin, &groups, &keys[i], i);
	}
	quire_table_free(&groups);
	free(keys);
	return status;
}

/* ------------------------------------------------------------------- nodes */

static bool is_in_function(const struct thinning *thin,
			   const struct onnx_node *node)
{
	const struct onnx_scope *scopes = thin->model->scopes;
	size_t scope = node->scope;

	while (scopes[scope].parent != ONNX_NO_SCOPE)
		scope = scopes[scope].parent;
	return scopes[scope].is_function;
}

static quire_status report_weight(const struct thinning *thin, size_t number)
{
	const struct weight *weight = &thin->plan->weights[number];
	const size_t index = thin->plan->tensors[number];
	const char *reason = thin->reasons[number];
	const enum thin_kind kind =
	    thin->nodes[number_of(thin, weight->node)].kind;
	const quire_thin_row row = {
		.node = quire_onnx_label(weight->node),
		.op_type = weight->node->op_type,
		.source = weight->storage.codes.value->name,
		.reason = reason,
		.outcome = reason		    ? QUIRE_THIN_KEPT
			   : kind == THIN_EMBEDDING ? QUIRE_THIN_EMBEDDING
						    : QUIRE_THIN_LINEAR,
		.size = quire_weight_size(weight),
	};

	return quire_thin_add_row(
	    thin, row, index == QUIRE_NO_TENSOR ? NULL : thin->tensors[index]);
}

/* Linears of the plan are in the order of its weights. Returns why the weight
 * stays, or NULL. */
static const char *choose_weight(struct thinning *thin, size_t number,
				 size_t *linear)
{
	const struct plan *plan = thin->plan;
	const struct weight *weight = &plan->weights[number];
	const size_t index = plan->tensors[number];
	const quire_tensor *tensor =
	    index == QUIRE_NO_TENSOR ? NULL : thin->tensors[index];
	const quire_linear *found = NULL;
	const bool has_linear = *linear < plan->linear_count &&
				plan->linears[*linear].weight == weight;

	if (has_linear)
		found = thin->linears[(*linear)++];
	if (!tensor && is_rearranged(thin, weight->storage.codes.value))
		return "the container has its rows in another order or tensor "
		       "(convert --for llama.cpp)";
	if (!tensor)
		return "the container lacks its weight";
	if (is_in_function(thin, weight->node))
		return "it is in a function, where ONNX Runtime infers no "
		       "types "
		       "behind a custom operator";
	if (has_linear)
		return choose_linear(thin, weight, found);
	if (weight->intent.note)
		return weight->intent.note;
	return choose_embedding(thin, weight, tensor);
}

quire_status quire_thin_choose(struct thinning *thin)
{
	const size_t count = thin->plan->weight_count;
	quire_status status;
	size_t linear = 0;

	thin->nodes = calloc(thin->model->node_count + 1, sizeof(*thin->nodes));
	thin->reasons = calloc(count + 1, sizeof(*thin->reasons));
	if (!thin->nodes || !thin->reasons)
		return quire_fail_memory(thin->error, thin->model->node_count);
	for (size_t i = 0; i < count; i++)
		thin->reasons[i] = choose_weight(thin, i, &linear);
	status = quire_thin_keep_shared(thin);
	if (status == QUIRE_OK)
		status = join_all(thin);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = report_weight(thin, i);
	return status;
}
