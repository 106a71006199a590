/*
 * compare_find.c - finds the quantized weights of a model: which nodes have
 * one, and which constants are their codes, scales and so on. Reads no bytes of
 * constants. Must not include operators/ or plan/, whose mistakes it must find.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/compare/compare.h"

#define KIND(name) &quire_compare_kind_##name,
static const struct compare_kind *const kinds[] = { COMPARE_KINDS(KIND) };
#undef KIND

/* The kind of a node, or NULL. */
static const struct compare_kind *find_kind(struct compare_source *source)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		source->has_linear = false;
		source->is_product = false;
		source->scaler = NULL;
		source->integers = (struct compare_integers){ .value = NULL };
		source->bias = "";
		source->added = "";
		if (kinds[i]->is(source))
			return kinds[i];
	}
	return NULL;
}

/* Finds the constant of an input. What gives its numbers again, and one Gather
 * of rows, are skipped. */
static void find_array(const struct compare_source *source,
		       struct compare_user from, struct compare_array *array)
{
	const struct onnx_node *user = from.node;
	size_t input = from.input;
	bool gathered = false;

	for (size_t i = 0; compare_input(user, input)[0]; i++) {
		array->value = quire_onnx_find(source->model, user->scope,
					       user->inputs[input]);
		array->user = user;
		array->input = input;

		const struct onnx_node *before =
		    quire_onnx_producer(source->model, array->value);
		const bool gathers =
		    before && quire_onnx_is(before, "Gather") && !gathered;

		if (!before || i >= 2 * COMPARE_STEPS_MAX ||
		    (!gathers && !quire_compare_passes(before)))
			return;
		gathered = gathered || gathers;
		user = before;
		input = 0;
	}
}

struct compare_user quire_compare_user(const struct compare_source *source,
				       size_t array)
{
	if (array == COMPARE_SCALES && source->scaler)
		return (struct compare_user){ source->scaler,
					      source->scaler_input };
	return (struct compare_user){
		source->holder, source->kind->inputs[source->index][array]
	};
}

static void find_arrays(struct compare_source *source)
{
	source->kind = find_kind(source);
	for (size_t i = 0; source->kind && i < COMPARE_ARRAY_COUNT; i++)
		find_array(source, quire_compare_user(source, i),
			   &source->arrays[i]);
}

/* How many weights a node has; 0 for most nodes. */
static size_t weight_count(const struct onnx_model *model,
			   const struct onnx_node *node)
{
	struct compare_source source = { .model = model, .node = node };
	const struct compare_kind *kind = find_kind(&source);

	if (!kind)
		return 0;
	/* The last of several is optional. */
	source.index = kind->count - 1;
	find_arrays(&source);
	return kind->count > 1 && !source.arrays[COMPARE_CODES].value
		   ? kind->count - 1
		   : kind->count;
}

static bool is_late(const struct onnx_model *model,
		    const struct onnx_node *node)
{
	struct compare_source source = { .model = model, .node = node };
	const struct compare_kind *kind = find_kind(&source);

	return kind && kind->late;
}

/* ------------------------------------------------------------- whole models */

struct finder {
	const struct onnx_model *model;
	struct compare_found *found;
	uint32_t *inputs; /* of each node: a bit for each that is an array */
	bool *is_holder;  /* of each node: a weight is of it, or held by it */
	/* Of each value: the node that alone takes it, from 1; 0: none;
	 * SIZE_MAX: several inputs, or the graph gives it. */
	size_t *taker;
	quire_error *error;
};

/* Arrays are inputs below 32. */
static uint32_t input_bit(size_t input)
{
	return input < 32 ? UINT32_C(1) << input : 0;
}

static void find_takers(const struct finder *in)
{
	const struct onnx_model *model = in->model;

	for (size_t i = 0; i < model->value_count; i++)
		in->taker[i] = model->values[i].output ? SIZE_MAX : 0;
	for (size_t i = 0; i < model->node_count; i++)
		for (size_t at = 0; !model->nodes[i].expanded &&
				    at < model->nodes[i].input_count;
		     at++) {
			const struct onnx_value *value =
			    quire_onnx_find(model, model->nodes[i].scope,
					    model->nodes[i].inputs[at]);
			size_t *taker =
			    value ? &in->taker[value - model->values] : NULL;

			if (taker)
				*taker = *taker == 0 ? i + 1 : SIZE_MAX;
		}
}

static void find_added(const struct finder *in, struct compare_source *source)
{
	const struct onnx_node *node = source->node;
	const struct onnx_value *output =
	    node->output_count == 1
		? quire_onnx_find(in->model, node->scope, node->outputs[0])
		: NULL;
	const size_t taker = output ? in->taker[output - in->model->values] : 0;

	if (source->has_linear && !source->bias[0] && taker != 0 &&
	    taker != SIZE_MAX)
		source->added = quire_compare_added(
		    in->model, node, &in->model->nodes[taker - 1]);
}

static void mark_uses(const struct finder *in)
{
	const struct onnx_model *model = in->model;

	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];

		for (size_t at = 0; at < node->input_count && !node->expanded;
		     at++) {
			const struct onnx_value *value = quire_onnx_find(
			    model, node->scope, node->inputs[at]);

			if (!value)
				continue;
			if (in->inputs[i] & input_bit(at))
				in->found
				    ->used_by_weight[value - model->values] =
				    true;
			else
				in->found
				    ->used_otherwise[value - model->values] =
				    true;
		}
	}
}

/* The scale of a bias that a DequantizeLinear gives is no tensor either. */
static void mark_bias(const struct finder *in, const struct compare_source *of)
{
	struct compare_array scale = { .user = NULL };

	if (!of->integers.value || of->integers.scales[1].user ||
	    !of->has_linear)
		return;
	find_array(of,
		   (struct compare_user){ of->integers.scales[0].user,
					  of->integers.scales[0].input },
		   &scale);
	if (scale.user)
		in->inputs[scale.user - in->model->nodes] |=
		    input_bit(scale.input);
}

static void find_weight(const struct finder *in, const struct onnx_node *node,
			size_t index)
{
	struct compare_source *source = &in->found->weights[in->found->count++];

	*source = (struct compare_source){ .model = in->model,
					   .node = node,
					   .index = index,
					   .error = in->error };
	find_arrays(source);
	find_added(in, source);
	in->is_holder[source->holder - in->model->nodes] = true;
	in->is_holder[node - in->model->nodes] = true;
	for (size_t i = 0; i < COMPARE_ARRAY_COUNT; i++) {
		const struct compare_array *array = &source->arrays[i];

		if (array->user)
			in->inputs[array->user - in->model->nodes] |=
			    input_bit(array->input);
	}
	mark_bias(in, source);
}

static void find_weights(const struct finder *in, bool late)
{
	const struct onnx_model *model = in->model;

	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];
		const size_t count = weight_count(model, node);

		if (count == 0 || (late && in->is_holder[i]) ||
		    is_late(model, node) != late)
			continue;
		for (size_t at = 0; at < count; at++)
			find_weight(in, node, at);
	}
}

/* Operators with a quantized weight, and which input that is, by the
 * documentation of ONNX and ONNX Runtime. A node of one of the kinds is not
 * meant: only what no kind reads. */
static const struct {
	const char *op_type;
	size_t weight;
	bool always; /* the input is never an activation */
} operators[] = {
	{ "ConvInteger", 1, false },
	{ "DequantizeLinear", 0, false },
	{ "DynamicQuantizeMatMul", 1, false },
	{ "MatMulFpQ4", 1, true },
	{ "MatMulInteger", 1, false },
	{ "MatMulIntegerToFloat", 1, false },
	{ "QAttention", 1, false },
	{ "QGemm", 3, false },
	{ "QLinearConv", 3, false },
	{ "QLinearMatMul", 3, false },
};

/* Whether a node has a quantized weight; sets which one. A vector is none. */
static bool has_weight(const struct onnx_model *model,
		       struct compare_left *left)
{
	const struct onnx_node *node = left->node;

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (strcmp(node->op_type, operators[i].op_type) != 0)
			continue;
		left->value =
		    quire_onnx_find(model, node->scope,
				    compare_input(node, operators[i].weight));
		return operators[i].always ||
		       (left->value && left->value->origin == ONNX_CONSTANT &&
			left->value->rank >= 2);
	}
	return false;
}

static void find_left(const struct finder *in)
{
	struct compare_found *found = in->found;

	for (size_t i = 0; i < in->model->node_count; i++) {
		struct compare_left left = { .node = &in->model->nodes[i] };

		if (!in->is_holder[i] && !left.node->expanded &&
		    has_weight(in->model, &left))
			found->left[found->left_count++] = left;
	}
}

quire_status quire_compare_find_all(const struct onnx_model *model,
				    struct compare_found *found,
				    quire_error *error)
{
	struct finder in = { .model = model, .found = found, .error = error };
	const size_t values = model->value_count + 1;
	size_t total = 1;

	for (size_t i = 0; i < model->node_count; i++)
		total += weight_count(model, &model->nodes[i]);
	in.inputs = calloc(model->node_count + 1, sizeof(*in.inputs));
	in.is_holder = calloc(model->node_count + 1, sizeof(*in.is_holder));
	in.taker = calloc(values, sizeof(*in.taker));
	found->weights = calloc(total, sizeof(*found->weights));
	found->left = calloc(model->node_count + 1, sizeof(*found->left));
	found->used_by_weight = calloc(values, sizeof(*found->used_by_weight));
	found->used_otherwise = calloc(values, sizeof(*found->used_otherwise));
	if (!in.inputs || !in.is_holder || !in.taker || !found->weights ||
	    !found->left || !found->used_by_weight || !found->used_otherwise) {
		free(in.inputs);
		free(in.is_holder);
		free(in.taker);
		return quire_fail_memory(error, total);
	}
	find_takers(&in);
	find_weights(&in, false);
	find_weights(&in, true);
	find_left(&in);
	mark_uses(&in);
	free(in.inputs);
	free(in.is_holder);
	free(in.taker);
	return QUIRE_OK;
}

void quire_compare_found_free(struct compare_found *found)
{
	free(found->weights);
	free(found->left);
	free(found->used_by_weight);
	free(found->used_otherwise);
}
