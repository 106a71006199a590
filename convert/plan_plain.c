/*
 * plan_plain.c - which constants the container holds as they are.
 */
#include <stdio.h>

#include "convert/onnx_tensor.h"
#include "convert/planner.h"

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

/* ONNX has the slowest dimension first and any number of them; GGUF has the
 * fastest first and four at most. */
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

void quire_plan_plain(struct planner *in, const struct onnx_value *value)
{
	struct plan_item *item = quire_plan_add_item(in, value);
	const char *why = NULL;

	if (!dense_type(value->type, &item->dtype))
		why = quire_onnx_type_name(value->type);
	else if (value->sparse)
		why = "sparse";
	else if (value->count == 0)
		why = "no elements";
	if (why) {
		item->outcome = QUIRE_OUTCOME_SKIPPED;
		snprintf(item->reason, sizeof(item->reason), "%s%s", why,
			 dense_type(value->type, &item->dtype)
			     ? ""
			     : ", not a float type that GGUF readers share");
		return;
	}
	item->size = value->size;
	set_shape(item);
	item->index = in->plan->tensor_count++;
	in->tensor_of[quire_plan_number(in, value)] = item->index;
}

bool quire_plan_stands_alone(const struct planner *in,
			     const struct onnx_value *value)
{
	const unsigned char uses = in->uses[quire_plan_number(in, value)];
	quire_dtype dtype;

	if (value->origin != ONNX_CONSTANT || uses == USED_AS_PART)
		return false;
	if (value->initializer)
		return !((uses & USED_AS_PART) &&
			 !dense_type(value->type, &dtype));
	return dense_type(value->type, &dtype) && value->rank > 0;
}
