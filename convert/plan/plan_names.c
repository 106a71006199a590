/*
 * plan_names.c - gives tensors and linears their names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/plan/planner.h"

/* Names an item by a rule of the recipe; a name that is taken is an error. */
static quire_status rename_item(const struct planner *in,
				struct plan_item *item,
				const struct recipe_rename *rename,
				const char *wanted)
{
	struct name_set *names = &in->plan->tensor_names;
	char *name =
	    quire_pattern_fill(&rename->to, &rename->from.pattern, wanted);
	quire_status status;

	if (!name)
		return quire_plan_no_memory(in);
	if (strlen(name) > QUIRE_TENSOR_NAME_MAX)
		status = quire_recipe_fail_rule(
		    in->recipe, &rename->from, in->error,
		    "tensor '%.60s' gets a name of more than %d bytes", wanted,
		    QUIRE_TENSOR_NAME_MAX);
	else if (quire_table_find(&names->taken, 0, name, strlen(name)))
		status = quire_recipe_fail_rule(
		    in->recipe, &rename->from, in->error,
		    "tensor '%.60s' gets the name '%s', which another "
		    "tensor has",
		    wanted, name);
	else
		status = quire_name_claim(names, name, QUIRE_TENSOR_NAME_MAX,
					  &item->name, in->error);
	free(name);
	return status;
}

/* When an item is named: by a rule of the recipe, or by its kind. */
enum turn {
	TURN_RENAMED,
	TURN_DENSE,
	TURN_WEIGHTS,
	TURN_COUNT
};

static quire_status name_item(const struct planner *in, struct plan_item *item,
			      enum turn turn)
{
	char *wanted = quire_plan_wanted_name(item);
	const struct recipe_rename *rename = NULL;
	quire_status status = QUIRE_OK;

	if (!wanted)
		return quire_plan_no_memory(in);
	if (turn == TURN_RENAMED)
		rename = quire_recipe_find_rename(in->recipe, wanted);
	if (rename)
		status = rename_item(in, item, rename, wanted);
	else if (turn ==
		 (item->kind == PLAN_WEIGHT ? TURN_WEIGHTS : TURN_DENSE))
		status = quire_name_claim(&in->plan->tensor_names, wanted,
					  QUIRE_TENSOR_NAME_MAX, &item->name,
					  in->error);
	free(wanted);
	return status;
}

/* Names of the recipe come first; then dense tensors, so that they keep their
 * names. */
quire_status quire_plan_name_items(const struct planner *in)
{
	struct plan *plan = in->plan;

	for (enum turn turn = TURN_RENAMED; turn < TURN_COUNT; turn++)
		for (size_t i = 0; i < plan->item_count; i++) {
			struct plan_item *item = &plan->items[i];
			quire_status status = QUIRE_OK;

			if (item->kind != PLAN_LEFT_OUT && !item->name)
				status = name_item(in, item, turn);
			if (status != QUIRE_OK)
				return status;
		}
	return QUIRE_OK;
}

/* A linear without its bias would compute another result, unless the bias is
 * that of an Add, which then stays another layer. */
static quire_status find_bias(const struct planner *in,
			      const struct weight *weight, size_t *bias)
{
	const struct weight_bias integers = quire_plan_bias_of(weight);
	const size_t *found;

	*bias = QUIRE_NO_TENSOR;
	if (!weight->intent.bias)
		return QUIRE_OK;
	found = quire_table_find(&in->biases, 0, &integers, sizeof(integers));
	*bias = found && integers.value
		    ? *found
		    : in->tensor_of[value_number(in, weight->intent.bias)];
	if (*bias != QUIRE_NO_TENSOR || in->left_out == 0 ||
	    weight->intent.adder)
		return QUIRE_OK;
	return quire_fail(in->error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			  "node '%.60s': the recipe takes its weight and "
			  "leaves out its bias, '%.60s'",
			  quire_onnx_label(weight->node),
			  weight->intent.bias->name);
}

/* A linear has the name of its node, or else of its weight. */
quire_status quire_plan_linears(const struct planner *in)
{
	struct plan *plan = in->plan;

	plan->weight_count = in->weight_count;
	for (size_t i = 0; i < in->weight_count; i++) {
		const struct weight *weight = &plan->weights[i];
		struct plan_linear *linear = &plan->linears[plan->linear_count];
		const size_t tensor = in->places[in->places[i].first].tensor;
		const char *name = weight->node->name;
		quire_status status;
		char *wanted;

		plan->tensors[i] = tensor;
		if (weight->intent.no_linear || tensor == QUIRE_NO_TENSOR)
			continue;
		wanted = name[0] ? quire_name_of_tensor(name)
				 : quire_name_of_weight(
				       weight->storage.codes.value->name, name);
		if (!wanted)
			return quire_plan_no_memory(in);
		linear->weight = weight;
		linear->tensor = tensor;
		status = find_bias(in, weight, &linear->bias);
		if (status == QUIRE_OK)
			status = quire_name_claim(&plan->linear_names, wanted,
						  SIZE_MAX, &linear->name,
						  in->error);
		free(wanted);
		if (status != QUIRE_OK)
			return status;
		plan->linear_count++;
	}
	return QUIRE_OK;
}
