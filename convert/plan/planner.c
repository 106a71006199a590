/*
 * planner.c - what planning a weight and planning a dense tensor have in
 * common: an item, whether the recipe takes it, and the name it would have.
 */
#include <stdio.h>
#include <stdlib.h>

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
