/*
 * plan_dense.c - which constants the container holds as dense tensors, copied
 * or cast.
 */
#include <stdio.h>
#include <stdlib.h>

#include "convert/plan/planner.h"

static bool dense_type(int32_t type, quire_dtype *dtype)
{
	switch (type) {
	case ONNX_FLOAT:
		*dtype = QUIRE_F32;
		return true;
	case ONNX_FLOAT16:
		*dtype = QUIRE_F16;
		return true;
	case ONNX_BFLOAT16:
		*dtype = QUIRE_BF16;
		return true;
	default:
		return false;
	}
}

/* ONNX has any number of dimensions, the slowest first; GGUF has at most four,
 * the fastest first. */
static void set_shape(struct plan_item *item)
{
	const struct onnx_value *value = item->value;

	item->rank = value->rank < 1   ? 1
		     : value->rank > 4 ? 4
				       : (uint32_t)value->rank;
	for (size_t i = 0; i < value->rank; i++) {
		const size_t at = value->rank - 1 - i;

		item->shape[at < 4 ? at : 3] *= (uint64_t)value->dims[i];
	}
	if (value->rank > 4)
		snprintf(item->reason, sizeof(item->reason),
			 "the first %zu dimensions became one",
			 value->rank - 3);
}

/* A tensor keeps its type unless the recipe names another. */
static quire_status choose_type(const struct planner *in,
				struct plan_item *item)
{
	static const quire_dtype types[] = {
		[RECIPE_DENSE_F32] = QUIRE_F32,
		[RECIPE_DENSE_F16] = QUIRE_F16,
		[RECIPE_DENSE_BF16] = QUIRE_BF16,
	};
	char *name = quire_plan_wanted_name(item);
	const struct cast *cast = NULL;
	struct cast_scan scan;
	enum recipe_dense wanted;
	quire_status status;

	if (!name)
		return quire_plan_no_memory(in);
	wanted = quire_recipe_dense(in->recipe, name);
	free(name);
	if (wanted != RECIPE_DENSE_KEEP)
		cast = quire_cast_find(item->dtype, types[wanted]);
	if (!cast)
		return QUIRE_OK;
	status = quire_cast_scan(cast, item->value, &scan, in->error);
	if (status != QUIRE_OK)
		return status;
	if (scan.lost) {
		snprintf(item->reason, sizeof(item->reason),
			 "stays %s: %g does not fit %s",
			 quire_dtype_name(cast->from), scan.lost_value,
			 quire_dtype_name(cast->to));
		return QUIRE_OK;
	}
	item->kind = PLAN_CAST;
	item->cast = cast;
	item->dtype = cast->to;
	item->size = item->value->count * cast->to_width;
	if (scan.exact)
		return QUIRE_OK;
	item->outcome = QUIRE_OUTCOME_ROUNDED;
	item->scale_error_max = scan.error_max;
	item->scale_error_mean = scan.error_mean;
	snprintf(item->reason, sizeof(item->reason), "%s by the recipe",
		 quire_dtype_name(cast->to));
	return QUIRE_OK;
}

quire_status quire_plan_dense(struct planner *in,
			      const struct onnx_value *value)
{
	struct plan_item *item = quire_plan_add_item(in, value, NULL);
	const char *why = NULL;
	bool is_float;
	bool taken;
	quire_status status = quire_plan_take(in, item, &taken);

	if (status != QUIRE_OK || !taken)
		return status;
	is_float = dense_type(value->type, &item->dtype);
	if (!is_float)
		why = quire_onnx_type_name(value->type);
	else if (value->sparse)
		why = "sparse";
	else if (value->count == 0)
		why = "no elements";
	if (why) {
		snprintf(item->reason, sizeof(item->reason), "%s%s", why,
			 is_float
			     ? ""
			     : ", not a float type that GGUF readers share");
		return QUIRE_OK;
	}
	item->kind = PLAN_COPY;
	item->outcome = QUIRE_OUTCOME_EXACT;
	item->size = value->size;
	set_shape(item);
	/* A bias is a vector, and [1, n] has the same numbers. */
	if (in->uses[value_number(in, value)] & USED_AS_BIAS)
		item->rank = 1;
	status = choose_type(in, item);
	if (status != QUIRE_OK)
		return status;
	item->index = in->plan->tensor_count++;
	in->tensor_of[value_number(in, value)] = item->index;
	return QUIRE_OK;
}

struct weight_bias quire_plan_bias_of(const struct weight *weight)
{
	const struct weight_intent *intent = &weight->intent;

	if (!intent->bias || intent->bias->type != ONNX_INT32)
		return (struct weight_bias){ .value = NULL };
	return (struct weight_bias){
		intent->bias, { intent->bias_scales[0], intent->bias_scales[1] }
	};
}

static quire_status plan_bias(struct planner *in,
			      const struct weight_bias *bias)
{
	struct plan_item *item = quire_plan_add_item(in, bias->value, NULL);
	bool taken;
	quire_status status = quire_plan_take(in, item, &taken);

	item->bias = *bias;
	if (status != QUIRE_OK)
		return status;
	if (taken) {
		item->kind = PLAN_BIAS;
		item->outcome = QUIRE_OUTCOME_EXACT;
		item->dtype = QUIRE_F32;
		item->rank = 1;
		item->shape[0] = bias->value->count;
		item->size = 4 * bias->value->count;
		snprintf(item->reason, sizeof(item->reason),
			 "INT32 times its scales");
		item->index = in->plan->tensor_count++;
	}
	return quire_table_add(&in->biases, 0, &item->bias, sizeof(item->bias),
			       item->index, in->error);
}

/* Weights may share a bias, or its integers with other scales. */
quire_status quire_plan_biases(struct planner *in)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < in->weight_count && status == QUIRE_OK; i++) {
		const size_t first = in->places[i].first;
		const struct weight_bias bias =
		    quire_plan_bias_of(&in->plan->weights[i]);

		if (bias.value && in->places[first].tensor != QUIRE_NO_TENSOR &&
		    !quire_table_find(&in->biases, 0, &bias, sizeof(bias)))
			status = plan_bias(in, &bias);
	}
	return status;
}

bool quire_plan_is_dense(const struct planner *in,
			 const struct onnx_value *value)
{
	const unsigned uses =
	    in->uses[value_number(in, value)] &
	    (USED_BY_WEIGHT | USED_AS_SUCH | USED_DEQUANTIZED);
	quire_dtype dtype;

	if (value->origin != ONNX_CONSTANT || uses == USED_BY_WEIGHT ||
	    (uses & USED_DEQUANTIZED))
		return false;
	if (value->initializer)
		return !((uses & USED_BY_WEIGHT) &&
			 !dense_type(value->type, &dtype));
	return dense_type(value->type, &dtype) && value->rank > 0;
}
