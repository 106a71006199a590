/*
 * plan_names.c - gives tensors and linears their names.
 */
#include <stdlib.h>

#include "convert/planner.h"

static quire_status name_item(const struct planner *in, struct plan_item *item)
{
	const char *source = item->value->name;
	char *wanted =
	    item->weight
		? quire_name_of_weight(source, item->weight->node->name)
		: quire_name_of_tensor(source);
	quire_status status;

	if (!wanted)
		return quire_plan_no_memory(in);
	status =
	    quire_name_claim(&in->plan->tensor_names, wanted,
			     QUIRE_TENSOR_NAME_MAX, &item->name, in->error);
	free(wanted);
	return status;
}

/* Plain tensors choose first: they keep their names. */
quire_status quire_plan_name_items(const struct planner *in)
{
	struct plan *plan = in->plan;
	quire_status status = QUIRE_OK;

	for (int weights = 0; weights <= 1; weights++)
		for (size_t i = 0; i < plan->item_count; i++) {
			struct plan_item *item = &plan->items[i];

			if (item->index != QUIRE_NO_TENSOR &&
			    (item->weight != NULL) == weights)
				status = name_item(in, item);
			if (status != QUIRE_OK)
				return status;
		}
	return QUIRE_OK;
}

/* Named as the node, or else as its weight. */
quire_status quire_plan_linears(const struct planner *in)
{
	struct plan *plan = in->plan;

	for (size_t i = 0; i < in->weight_count; i++) {
		const struct matmulnbits *weight = &plan->weights[i];
		struct plan_linear *linear = &plan->linears[plan->linear_count];
		const char *name = weight->node->name;
		quire_status status;
		char *wanted;

		if (weight->no_linear)
			continue;
		wanted = name[0]
			     ? quire_name_of_tensor(name)
			     : quire_name_of_weight(weight->codes->name, name);
		if (!wanted)
			return quire_plan_no_memory(in);
		linear->weight = weight;
		linear->tensor = in->weight_tensor[in->first[i]];
		linear->bias = QUIRE_NO_TENSOR;
		if (weight->bias)
			linear->bias =
			    in->tensor_of[quire_plan_number(in, weight->bias)];
		status = quire_name_claim(&plan->linear_names, wanted, SIZE_MAX,
					  &linear->name, in->error);
		free(wanted);
		if (status != QUIRE_OK)
			return status;
		plan->linear_count++;
	}
	return QUIRE_OK;
}
