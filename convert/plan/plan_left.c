/*
 * plan_left.c - nodes whose quantized weight cannot be converted, where the
 * recipe does not let them stop the conversion.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/utf8.h"
#include "convert/operators/operators.h"
#include "convert/plan/planner.h"

/* The weight of a node: its first constant of small integers, or else its last
 * input. Sets the input. */
static const struct onnx_value *find_weight(const struct planner *in,
					    const struct onnx_node *node,
					    size_t *input)
{
	static const struct onnx_value none = { .name = "" };
	const struct onnx_value *last = &none;

	for (size_t i = 0; i < node->input_count; i++) {
		const struct onnx_value *value =
		    quire_onnx_find(in->model, node->scope, node->inputs[i]);

		if (!value)
			continue;
		*input = i;
		last = value;
		if (value->origin == ONNX_CONSTANT && value->count > 1 &&
		    !quire_onnx_is_float(value->type) &&
		    quire_onnx_type_bits(value->type) <= 8)
			break;
	}
	return last;
}

/* The reason of the error without the name of the node, which is beside it. */
static void keep_reason(const struct planner *in, struct left_node *left)
{
	const char *message = in->error ? in->error->message : "";
	const char *from = strstr(message, "): ");
	size_t size;

	from = from ? from + 3 : "it cannot be converted";
	snprintf(left->reason, sizeof(left->reason), "%.40s: %.80s",
		 left->node->op_type, from);
	/* The end may be cut off within a character. */
	size = strlen(left->reason);
	while (size > 0 && !quire_utf8_valid(left->reason, size))
		left->reason[--size] = '\0';
}

static bool leaves(const struct planner *in, const struct onnx_node *node,
		   const struct onnx_value *value, quire_status *status)
{
	const struct plan_item item = { .value = value, .node = node->name };
	char *name;
	bool left;

	if (in->recipe->leave_unsupported ||
	    quire_recipe_leaves(in->recipe, quire_onnx_label(node)))
		return true;
	if (in->recipe->leave_count == 0)
		return false;
	name = quire_plan_wanted_name(&item);
	if (!name) {
		*status = quire_plan_no_memory(in);
		return false;
	}
	left = quire_recipe_leaves(in->recipe, name);
	free(name);
	return left;
}

quire_status quire_plan_leave_node(struct planner *in, size_t number,
				   quire_status status)
{
	const struct onnx_node *node = &in->model->nodes[number];
	size_t input = SIZE_MAX;
	const struct onnx_value *value;
	struct left_node *left;

	if (status != QUIRE_ERROR_UNSUPPORTED)
		return status;
	value = find_weight(in, node, &input);
	if (!leaves(in, node, value, &status))
		return status;
	if (input != SIZE_MAX) {
		unsigned char *uses = &in->uses[value_number(in, value)];

		/* A product and its DequantizeLinear have one weight. */
		if (*uses & USED_BY_LEFT)
			return QUIRE_OK;
		*uses |= USED_BY_LEFT;
	}
	left = quire_grow(in->left, &in->left_capacity, in->plan->left_count,
			  sizeof(*left));
	if (!left)
		return quire_plan_no_memory(in);
	in->left = left;
	left += in->plan->left_count++;
	*left = (struct left_node){ .node = node, .value = value };
	keep_reason(in, left);
	/* Its weight is no tensor of another kind. */
	if (input < 32 && value->origin == ONNX_CONSTANT)
		in->operands[number] |= UINT32_C(1) << input;
	return QUIRE_OK;
}

void quire_plan_add_left(const struct planner *in)
{
	for (size_t i = 0; i < in->plan->left_count; i++) {
		const struct left_node *left = &in->left[i];
		struct plan_item *item = quire_plan_add_item(
		    in, left->value, quire_onnx_label(left->node));

		snprintf(item->reason, sizeof(item->reason), "%s",
			 left->reason);
	}
}
