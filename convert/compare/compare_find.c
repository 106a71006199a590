/*
 * compare_find.c - asks each node once, and remembers which of its inputs are
 * parts of weights.
 */
#include "convert/compare/compare_find.h"

#include <stdlib.h>

#include "base/error.h"

struct finder {
	const struct onnx_model *model;
	struct compare_found *found;
	uint32_t *inputs; /* of each node: a bit for each that is a part */
	quire_error *error;
};

/* Inputs of weights are below 32. */
static uint32_t input_bit(size_t input)
{
	return input < 32 ? UINT32_C(1) << input : 0;
}

static void mark_uses(const struct finder *in)
{
	const struct onnx_model *model = in->model;

	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];

		for (size_t at = 0; at < node->input_count; at++) {
			const struct onnx_value *value = quire_onnx_find(
			    model, node->scope, node->inputs[at]);

			if (!value)
				continue;
			if (in->inputs[i] & input_bit(at))
				in->found->part[value - model->values] = true;
			else
				in->found->whole[value - model->values] = true;
		}
	}
}

static void find_weight(const struct finder *in, const struct onnx_node *node,
			size_t index)
{
	struct compare_source *source = &in->found->weights[in->found->count++];

	*source = (struct compare_source){ .model = in->model,
					   .node = node,
					   .index = index,
					   .error = in->error };
	quire_compare_find(source);
	for (size_t i = 0; i < COMPARE_ARRAY_COUNT; i++) {
		const struct compare_array *array = &source->arrays[i];

		if (array->user)
			in->inputs[array->user - in->model->nodes] |=
			    input_bit(array->input);
	}
}

static void find_weights(const struct finder *in, bool late)
{
	const struct onnx_model *model = in->model;

	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];
		const size_t count = quire_compare_count(model, node);

		if (count == 0 || (late && in->inputs[i]) ||
		    quire_compare_is_late(model, node) != late)
			continue;
		for (size_t at = 0; at < count; at++)
			find_weight(in, node, at);
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
		total += quire_compare_count(model, &model->nodes[i]);
	in.inputs = calloc(model->node_count + 1, sizeof(*in.inputs));
	found->weights = calloc(total, sizeof(*found->weights));
	found->part = calloc(values, sizeof(*found->part));
	found->whole = calloc(values, sizeof(*found->whole));
	if (!in.inputs || !found->weights || !found->part || !found->whole) {
		free(in.inputs);
		return quire_fail_memory(error, total);
	}
	find_weights(&in, false);
	find_weights(&in, true);
	mark_uses(&in);
	free(in.inputs);
	return QUIRE_OK;
}

void quire_compare_found_free(struct compare_found *found)
{
	free(found->weights);
	free(found->part);
	free(found->whole);
}
