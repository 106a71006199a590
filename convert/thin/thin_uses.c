/*
 * thin_uses.c - counts what uses each value; lets nodes stay whose weight would
 * stay anyway; and leaves out what the changed nodes alone have used:
 * constants, and the nodes between a constant and its node that the converter
 * sees through.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/thin/thin.h"

struct counter {
	struct thinning *thin;
	size_t *stack; /* nodes that give nothing which is used */
	size_t depth;
};

/* The number of the value that a name means; SIZE_MAX: none. */
static size_t find(const struct thinning *thin, const struct onnx_node *node,
		   const char *name)
{
	const struct onnx_model *model = thin->model;
	const struct onnx_value *value =
	    name && name[0] ? quire_onnx_find(model, node->scope, name) : NULL;

	return value ? (size_t)(value - model->values) : SIZE_MAX;
}

quire_status quire_thin_count_uses(struct thinning *thin)
{
	const struct onnx_model *model = thin->model;

	thin->uses = calloc(model->value_count + 1, sizeof(*thin->uses));
	if (!thin->uses)
		return quire_fail_memory(thin->error, model->value_count);
	for (size_t i = 0; i < model->value_count; i++)
		thin->uses[i] = model->values[i].output;
	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];

		for (size_t at = 0; at < node->input_count; at++) {
			const size_t used = find(thin, node, node->inputs[at]);

			if (used != SIZE_MAX)
				thin->uses[used]++;
		}
	}
	return QUIRE_OK;
}

/* ----------------------------------------------------- dequantized weights */

/* The node of a weight that a product takes from a DequantizeLinear, and that
 * becomes a linear; NULL: another one. */
static const struct onnx_node *product_of(const struct thinning *thin,
					  size_t number)
{
	const struct weight *weight = &thin->plan->weights[number];
	const struct onnx_node *node = weight->node;

	if (thin->nodes[node - thin->model->nodes].kind != THIN_LINEAR ||
	    !weight->holder || weight->holder == node)
		return NULL;
	return node;
}

/* From a value between a DequantizeLinear and its product to the one before it;
 * SIZE_MAX: it is what the DequantizeLinear gives. */
static size_t before(const struct thinning *thin, size_t number)
{
	static const char *const names[] = { "Cast", "Identity", "Reshape",
					     "Transpose" };
	const struct onnx_node *node =
	    quire_onnx_producer(thin->model, &thin->model->values[number]);

	if (!node || node->input_count == 0)
		return SIZE_MAX;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (quire_onnx_is(node, names[i]))
			return find(thin, node, node->inputs[0]);
	return SIZE_MAX;
}

/* Counts the use of B by a linear. When all uses of a transposed weight have
 * been counted, for example, so is that of the weight. */
static void cover(const struct thinning *thin, size_t *covered, size_t number)
{
	while (number != SIZE_MAX && ++covered[number] == thin->uses[number])
		number = before(thin, number);
}

/* Whether linears have all uses of the weight that B comes from. */
static bool is_covered(const struct thinning *thin, const size_t *covered,
		       size_t number)
{
	for (; number != SIZE_MAX; number = before(thin, number))
		if (covered[number] != thin->uses[number])
			return false;
	return true;
}

quire_status quire_thin_keep_shared(struct thinning *thin)
{
	const size_t count = thin->plan->weight_count;
	size_t *covered =
	    calloc(thin->model->value_count + 1, sizeof(*covered));

	if (!covered)
		return quire_fail_memory(thin->error, thin->model->value_count);
	for (size_t i = 0; i < count; i++) {
		const struct onnx_node *node = product_of(thin, i);

		if (node)
			cover(thin, covered, find(thin, node, node->inputs[1]));
	}
	for (size_t i = 0; i < count; i++) {
		const struct onnx_node *node = product_of(thin, i);

		if (!node || is_covered(thin, covered,
					find(thin, node, node->inputs[1])))
			continue;
		thin->nodes[node - thin->model->nodes].kind = THIN_STAYS;
		thin->reasons[i] = "something else uses its dequantized "
				   "weight, too";
	}
	free(covered);
	return QUIRE_OK;
}

/* ---------------------------------------------------------- what is unused */

/* Whether a node only hands constants on. */
static bool hands_on(const struct onnx_node *node)
{
	static const char *const names[] = {
		"Cast", "Constant", "Gather", "Identity", "Reshape", "Transpose"
	};

	if (strcmp(node->op_type, "DequantizeLinear") == 0)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (quire_onnx_is(node, names[i]))
			return true;
	return false;
}

static bool gives_nothing(const struct thinning *thin,
			  const struct onnx_node *node)
{
	for (size_t i = 0; i < node->output_count; i++) {
		const size_t given = find(thin, node, node->outputs[i]);

		if (given != SIZE_MAX && thin->uses[given] > 0)
			return false;
	}
	return true;
}

/* One use less of a value. */
static void release(struct counter *in, size_t number)
{
	struct thinning *thin = in->thin;
	const struct onnx_value *value = &thin->model->values[number];

	if (--thin->uses[number] > 0)
		return;
	if (value->initializer && !value->sparse)
		thin->data[number].place = SPLICE_DROP;
	if (value->initializer || value->origin == ONNX_INPUT)
		return;

	const struct onnx_node *node = &thin->model->nodes[value->producer];

	if (thin->nodes[value->producer].kind == THIN_STAYS && hands_on(node) &&
	    gives_nothing(thin, node)) {
		thin->nodes[value->producer].kind = THIN_UNUSED;
		in->stack[in->depth++] = value->producer;
	}
}

static void release_inputs(struct counter *in, size_t number)
{
	const struct onnx_node *node = &in->thin->model->nodes[number];

	for (size_t i = 0; i < node->input_count; i++) {
		const size_t used = find(in->thin, node, node->inputs[i]);

		if (used != SIZE_MAX)
			release(in, used);
	}
}

/* A changed node has no input but the one that it keeps; an Add that is left
 * out has none. */
static void release_changed(struct counter *in)
{
	const struct thinning *thin = in->thin;

	for (size_t i = 0; i < thin->model->node_count; i++) {
		const struct thin_node *node = &thin->nodes[i];

		if (node->kind != THIN_LINEAR && node->kind != THIN_JOINED &&
		    node->kind != THIN_EMBEDDING && node->kind != THIN_ADDER)
			continue;
		/* Its input is a value: thin_choose.c has found it. */
		if (node->kind != THIN_ADDER)
			thin->uses[find(thin, &thin->model->nodes[i],
					node->input)]++;
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

	in.stack = calloc(model->node_count + 1, sizeof(*in.stack));
	thin->data = calloc(model->value_count + 1, sizeof(*thin->data));
	if (in.stack && thin->data)
		release_changed(&in);
	else
		status = quire_fail_memory(thin->error, model->value_count);
	free(in.stack);
	return status;
}
