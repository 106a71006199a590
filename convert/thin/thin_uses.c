/*
 * thin_uses.c - counts what uses each value, and leaves out what the changed
 * nodes alone have used: constants, and the nodes between a constant and its
 * node that the converter sees through.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/thin/thin.h"

struct counter {
	struct thinning *thin;
	size_t *uses;  /* of each value */
	size_t *stack; /* nodes that give nothing which is used */
	size_t depth;
};

/* The number of the value that a name means; SIZE_MAX: none. */
static size_t find(const struct counter *in, const struct onnx_node *node,
		   const char *name)
{
	const struct onnx_model *model = in->thin->model;
	const struct onnx_value *value =
	    name && name[0] ? quire_onnx_find(model, node->scope, name) : NULL;

	return value ? (size_t)(value - model->values) : SIZE_MAX;
}

static void count_uses(const struct counter *in)
{
	const struct onnx_model *model = in->thin->model;

	for (size_t i = 0; i < model->value_count; i++)
		in->uses[i] = model->values[i].output;
	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];

		for (size_t at = 0; at < node->input_count; at++) {
			const size_t used = find(in, node, node->inputs[at]);

			if (used != SIZE_MAX)
				in->uses[used]++;
		}
	}
}

/* Whether a node only hands constants on. */
static bool hands_on(const struct onnx_node *node)
{
	static const char *const names[] = { "Constant", "Gather", "Reshape",
					     "Transpose" };

	if (strcmp(node->op_type, "DequantizeLinear") == 0)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (quire_onnx_is(node, names[i]))
			return true;
	return false;
}

static bool gives_nothing(const struct counter *in,
			  const struct onnx_node *node)
{
	for (size_t i = 0; i < node->output_count; i++) {
		const size_t given = find(in, node, node->outputs[i]);

		if (given != SIZE_MAX && in->uses[given] > 0)
			return false;
	}
	return true;
}

/* One use less of a value. */
static void release(struct counter *in, size_t number)
{
	struct thinning *thin = in->thin;
	const struct onnx_value *value = &thin->model->values[number];

	if (--in->uses[number] > 0)
		return;
	if (value->initializer && !value->sparse)
		thin->data[number].place = SPLICE_DROP;
	if (value->initializer || value->origin == ONNX_INPUT)
		return;

	const struct onnx_node *node = &thin->model->nodes[value->producer];

	if (thin->nodes[value->producer].kind == THIN_STAYS && hands_on(node) &&
	    gives_nothing(in, node)) {
		thin->nodes[value->producer].kind = THIN_UNUSED;
		in->stack[in->depth++] = value->producer;
	}
}

static void release_inputs(struct counter *in, size_t number)
{
	const struct onnx_node *node = &in->thin->model->nodes[number];

	for (size_t i = 0; i < node->input_count; i++) {
		const size_t used = find(in, node, node->inputs[i]);

		if (used != SIZE_MAX)
			release(in, used);
	}
}

/* A changed node has no input but the one that it keeps. */
static void release_changed(struct counter *in)
{
	const struct thinning *thin = in->thin;

	for (size_t i = 0; i < thin->model->node_count; i++) {
		const struct thin_node *node = &thin->nodes[i];

		if (node->kind != THIN_LINEAR && node->kind != THIN_JOINED &&
		    node->kind != THIN_EMBEDDING)
			continue;
		/* Its input is a value: thin_choose.c has found it. */
		in->uses[find(in, &thin->model->nodes[i], node->input)]++;
		release_inputs(in, i);
	}
	while (in->depth > 0)
		release_inputs(in, in->stack[--in->depth]);
}

quire_status quire_thin_drop_unused(struct thinning *thin)
{
	const struct onnx_model *model = thin->model;
	struct counter in = { .thin = thin };
	quire_status status = QUIRE_OK;

	in.uses = calloc(model->value_count + 1, sizeof(*in.uses));
	in.stack = calloc(model->node_count + 1, sizeof(*in.stack));
	thin->data = calloc(model->value_count + 1, sizeof(*thin->data));
	if (in.uses && in.stack && thin->data) {
		count_uses(&in);
		release_changed(&in);
	} else {
		status = quire_fail_memory(thin->error, model->value_count);
	}
	free(in.uses);
	free(in.stack);
	return status;
}
