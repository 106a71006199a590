/*
 * plan_taker.c - why a dequantized constant has no linear: which node takes it.
 */
#include <stdio.h>
#include <string.h>

#include "convert/plan/planner.h"

/* Nodes that give the numbers of their first input again, and how many of them
 * are passed. */
#define STEPS_MAX 32

static bool passes(const struct onnx_node *node)
{
	return quire_onnx_is(node, "Identity") || quire_onnx_is(node, "Cast") ||
	       quire_onnx_is(node, "Reshape") ||
	       quire_onnx_is(node, "Transpose");
}

static const struct onnx_node *taker_of(const struct planner *in,
					const struct onnx_node *node)
{
	const struct onnx_value *value =
	    node->output_count > 0
		? quire_onnx_find(in->model, node->scope, node->outputs[0])
		: NULL;
	const size_t number = value ? in->taker[value_number(in, value)] : 0;

	return number ? &in->model->nodes[number - 1] : NULL;
}

/* The most bytes of a name in a reason. */
#define NAME_SIZE 40

/* Bytes of a name that end with a whole character. */
static int cut(const char *name, size_t most)
{
	size_t size = strlen(name);

	if (size > most)
		for (size = most; size > 0 && (name[size] & 0xC0) == 0x80;)
			size--;
	return (int)size;
}

void quire_plan_name_taker(const struct planner *in,
			   const struct weight *weight,
			   char reason[QUIRE_REASON_SIZE])
{
	const struct onnx_node *taker = taker_of(in, weight->node);
	const bool swapped = weight->storage.codes.order.col_step > 1;

	for (int i = 0; taker && passes(taker) && i < STEPS_MAX; i++)
		taker = taker_of(in, taker);
	if (!taker)
		return;
	snprintf(reason, QUIRE_REASON_SIZE,
		 "no linear: node '%.*s' (%.*s) takes it%s",
		 cut(quire_onnx_label(taker), NAME_SIZE),
		 quire_onnx_label(taker), cut(taker->op_type, NAME_SIZE / 2),
		 taker->op_type,
		 swapped ? "; the last two dimensions are swapped" : "");
}
