/*
 * planner.c - what planning a weight and planning a dense tensor have in
 * common: an item, whether the recipe takes it, the name it would have, and
 * what is said of its rows. And why a dequantized constant has no linear: which
 * node takes it.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/plan/planner.h"

quire_status quire_plan_no_memory(const struct planner *in)
{
	return quire_fail(in->error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory");
}

struct plan_item *quire_plan_add_item(const struct planner *in,
				      const struct onnx_value *value,
				      const char *node)
{
	struct plan_item *item = &in->plan->items[in->plan->item_count++];

	*item = (struct plan_item){ .kind = PLAN_LEFT_OUT,
				    .value = value,
				    .node = node,
				    .source_size = value->size,
				    .index = QUIRE_NO_TENSOR,
				    .shape = { 1, 1, 1, 1 },
				    .outcome = QUIRE_OUTCOME_SKIPPED };
	return item;
}

char *quire_plan_wanted_name(const struct plan_item *item)
{
	return item->node ? quire_name_of_weight(item->value->name, item->node)
			  : quire_name_of_tensor(item->value->name);
}

quire_status quire_plan_take(struct planner *in, struct plan_item *item,
			     bool *taken)
{
	char *name;

	*taken = true;
	if (in->recipe->take_count == 0 && in->recipe->leave_count == 0)
		return QUIRE_OK;
	name = quire_plan_wanted_name(item);
	if (!name)
		return quire_plan_no_memory(in);
	*taken = quire_recipe_takes(in->recipe, name);
	free(name);
	if (*taken)
		return QUIRE_OK;
	in->left_out++;
	snprintf(item->reason, sizeof(item->reason), "left out by the recipe");
	return QUIRE_OK;
}

/* ------------------------------------------------------------------ takers */

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

/* -------------------------------------------------------------- operations */

uint64_t quire_plan_rows(const struct plan_item *item)
{
	const struct onnx_value *value = item->value;

	if (item->rows.count > 0)
		return item->rows.count;
	if (item->weight)
		return item->weight->value.n;
	if (value->rank == 2)
		return (uint64_t)value->dims[item->rows.transpose ? 1 : 0];
	return value->count;
}

/* Room for the steps before a join: three numbers of 64 bits and their words.
 */
#define STEPS_SIZE 128

/* Writes a step behind those before it. */
static void add_step(char steps[STEPS_SIZE], const char *step)
{
	const size_t used = strlen(steps);
	const size_t gap = used > 0 ? strlen("; ") : 0;
	const size_t size = strlen(step);

	assert(used + gap + size < STEPS_SIZE);
	memcpy(steps + used, "; ", gap);
	memcpy(steps + used + gap, step, size + 1);
}

char *quire_plan_operation(const struct plan_item *item,
			   const struct plan_item *next)
{
	const char *joined = next && next->continues ? next->value->name : "";
	char steps[STEPS_SIZE] = "";
	char step[STEPS_SIZE];
	size_t size;
	char *text;

	if (item->rows.transpose)
		add_step(steps, "transpose");
	if (item->rows.count > 0) {
		snprintf(step, sizeof(step), "rows %" PRIu64 " %" PRIu64,
			 item->rows.first, item->rows.count);
		add_step(steps, step);
	}
	if (item->rows.heads > 0) {
		snprintf(step, sizeof(step), "permute %" PRIu64,
			 item->rows.heads);
		add_step(steps, step);
	}
	if (next && next->continues) {
		snprintf(step, sizeof(step), "join %" PRIu64 " ",
			 quire_plan_rows(item));
		add_step(steps, step);
	}
	size = strlen(steps) + strlen(joined) + 1;
	text = malloc(size);
	if (text)
		snprintf(text, size, "%s%s", steps, joined);
	return text;
}
