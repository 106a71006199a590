/*
 * plan.c - walks nodes and constants once each and decides. Writes nothing.
 */
#include "convert/plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/gather_block_quantized.h"
#include "convert/onnx_tensor.h"
#include "convert/relatives.h"
#include "format/bytes.h"
#include "format/error.h"

/* What nodes use a value for. */
enum {
	USED_AS_PART = 1, /* of a quantized weight */
	USED_AS_SUCH = 2,
};

/* Nodes with equal keys have the same weight: the numbers of its constants,
 * then of its shape. Fields of 8 bytes leave no padding to compare. */
struct weight_key {
	uint64_t constants[4];
	uint64_t shape[4];
};

/* A weight that no earlier node has. */
struct distinct {
	size_t codes;  /* the number of its B among the values */
	size_t number; /* its own among plan->weights */
};

struct planner {
	const struct onnx_model *model;
	const quire_convert_options *options;
	struct plan *plan;
	quire_error *error;
	unsigned char *uses; /* of each value */
	size_t *tensor_of;   /* each value's, or QUIRE_NO_TENSOR */
	size_t weight_count; /* of plan->weights */
	struct weight_key *keys;
	size_t *first;	       /* of each weight: the first of its key */
	size_t *weight_tensor; /* of each first weight */
	struct distinct *distinct;
	size_t distinct_count;
	struct table shared; /* key to first weight */
};

static quire_status fail_memory(const struct planner *in)
{
	return quire_fail(in->error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory");
}

/* The number of a value; all absent ones share one that is no value's. */
static size_t number_of(const struct planner *in,
			const struct onnx_value *value)
{
	return value ? (size_t)(value - in->model->values) : SIZE_MAX;
}

static bool holds_weight(const struct onnx_node *node)
{
	return quire_matmulnbits_is(node) || quire_gather_is(node);
}

/* Whether an input of a node is a part of its quantized weight. */
static bool is_part(const struct onnx_node *node, size_t input)
{
	if (quire_matmulnbits_is(node))
		return input >= 1 && input <= 4;
	return quire_gather_is(node) && input != 1 && input <= 3;
}

static void mark_uses(const struct planner *in, const struct onnx_node *node)
{

	for (size_t i = 0; i < node->input_count; i++) {
		const struct onnx_value *value =
		    quire_onnx_find(in->model, node->scope, node->inputs[i]);

		if (value)
			in->uses[number_of(in, value)] |=
			    is_part(node, i) ? USED_AS_PART : USED_AS_SUCH;
	}
}

static quire_status add_weight(struct planner *in, const struct onnx_node *node)
{
	const size_t number = in->weight_count++;
	struct matmulnbits *weight = &in->plan->weights[number];
	struct weight_key *key = &in->keys[number];
	const size_t *first;
	quire_status status =
	    quire_gather_is(node)
		? quire_gather_read(in->model, node, weight, in->error)
		: quire_matmulnbits_read(in->model, node, weight, in->error);

	if (status != QUIRE_OK)
		return status;
	*key = (struct weight_key){
		{ number_of(in, weight->codes), number_of(in, weight->scales),
		  number_of(in, weight->zero_points),
		  number_of(in, weight->g_idx) },
		{ weight->k, weight->n, weight->block_size, weight->bits },
	};
	first = quire_table_find(&in->shared, 0, key, sizeof(*key));
	in->first[number] = first ? *first : number;
	if (first)
		return QUIRE_OK;
	in->distinct[in->distinct_count++] =
	    (struct distinct){ number_of(in, weight->codes), number };
	return quire_table_add(&in->shared, 0, key, sizeof(*key), number,
			       in->error);
}

static quire_status read_nodes(struct planner *in)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < in->model->node_count && status == QUIRE_OK;
	     i++) {
		const struct onnx_node *node = &in->model->nodes[i];

		mark_uses(in, node);
		status = quire_relatives_check(in->model, node, in->error);
		if (status == QUIRE_OK && holds_weight(node))
			status = add_weight(in, node);
	}
	return status;
}

/* By the place of the codes in the file, then by node. */
static int compare_distinct(const void *left, const void *right)
{
	const struct distinct *a = left;
	const struct distinct *b = right;

	if (a->codes != b->codes)
		return a->codes < b->codes ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static struct plan_item *add_item(const struct planner *in,
				  const struct onnx_value *value)
{
	struct plan_item *item = &in->plan->items[in->plan->item_count++];

	*item = (struct plan_item){ .value = value,
				    .index = QUIRE_NO_TENSOR,
				    .outcome = QUIRE_OUTCOME_EXACT,
				    .shape = { 1, 1, 1, 1 },
				    .source_size = value->size };
	return item;
}

static quire_status choose_encoding(const struct planner *in,
				    struct plan_item *item)
{
	const struct matmulnbits *weight = item->weight;
	struct rounding rounding;
	struct survey survey;
	uint32_t *map = NULL;
	quire_status status = quire_matmulnbits_acquire(weight, in->error);

	if (status != QUIRE_OK)
		return status;
	status = quire_matmulnbits_map(weight, &map, in->error);
	if (status == QUIRE_OK)
		status = quire_survey(weight, map, &survey, in->error);
	free(map);
	quire_matmulnbits_release(weight);
	if (status != QUIRE_OK)
		return status;
	item->encoding = quire_relay_choose(
	    weight, &survey, in->options->fallback, item->reason);
	if (!item->encoding)
		return quire_fail(in->error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "node '%s' (%s): no block type holds its "
				  "weight: %s",
				  quire_onnx_label(weight->node),
				  weight->node->op_type, item->reason);
	if (item->reason[0])
		item->outcome = QUIRE_OUTCOME_FALLBACK;
	rounding = item->encoding->rounding(&survey);
	item->scale_error_max = rounding.max;
	item->scale_error_mean = rounding.mean;
	return QUIRE_OK;
}

static quire_status plan_weight(struct planner *in, size_t number)
{
	const struct matmulnbits *weight = &in->plan->weights[number];
	struct plan_item *item = add_item(in, weight->codes);
	uint32_t block_count = 1;
	uint32_t block_size = 0;
	quire_status status;

	item->weight = weight;
	item->source_size = quire_matmulnbits_size(weight);
	status = choose_encoding(in, item);
	if (status != QUIRE_OK)
		return status;
	item->dtype = item->encoding->dtype;
	item->rank = 2;
	item->shape[1] = weight->n;
	quire_dtype_block(item->dtype, &block_count, &block_size);
	if (!checked_pad(weight->k, block_count, &item->shape[0]) ||
	    !checked_mul(item->shape[0] / block_count * block_size, weight->n,
			 &item->size))
		return quire_fail(in->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET,
				  "node '%s' (MatMulNBits): K or N is out of "
				  "range",
				  quire_onnx_label(weight->node));
	item->index = in->plan->tensor_count++;
	in->weight_tensor[number] = item->index;
	return QUIRE_OK;
}

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

static void plan_plain(struct planner *in, const struct onnx_value *value)
{
	struct plan_item *item = add_item(in, value);
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
	in->tensor_of[number_of(in, value)] = item->index;
}

/* Whether a constant stands for itself in the container or the report. A
 * scalar of a Constant node is a number of the graph, as an integer is. */
static bool stands_alone(const struct planner *in,
			 const struct onnx_value *value)
{
	const unsigned char uses = in->uses[number_of(in, value)];
	quire_dtype dtype;

	if (value->origin != ONNX_CONSTANT || uses == USED_AS_PART)
		return false;
	if (value->initializer)
		return !((uses & USED_AS_PART) &&
			 !dense_type(value->type, &dtype));
	return dense_type(value->type, &dtype) && value->rank > 0;
}

static quire_status plan_items(struct planner *in)
{
	const struct distinct *next = in->distinct;
	const struct distinct *end = next + in->distinct_count;

	qsort(in->distinct, in->distinct_count, sizeof(*in->distinct),
	      compare_distinct);
	for (size_t i = 0; i < in->model->value_count; i++) {
		const struct onnx_value *value = &in->model->values[i];

		in->tensor_of[i] = QUIRE_NO_TENSOR;
		for (; next < end && next->codes == i; next++) {
			const quire_status status =
			    plan_weight(in, next->number);

			if (status != QUIRE_OK)
				return status;
		}
		if (stands_alone(in, value))
			plan_plain(in, value);
	}
	return QUIRE_OK;
}

static quire_status name_item(const struct planner *in, struct plan_item *item)
{
	const char *source = item->value->name;
	char *wanted =
	    item->weight
		? quire_name_of_weight(source, item->weight->node->name)
		: quire_name_of_tensor(source);
	quire_status status;

	if (!wanted)
		return fail_memory(in);
	status =
	    quire_name_claim(&in->plan->tensor_names, wanted,
			     QUIRE_TENSOR_NAME_MAX, &item->name, in->error);
	free(wanted);
	return status;
}

/* Plain tensors choose first: they keep their names. */
static quire_status name_items(const struct planner *in)
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
static quire_status plan_linears(const struct planner *in)
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
			return fail_memory(in);
		linear->weight = weight;
		linear->tensor = in->weight_tensor[in->first[i]];
		linear->bias = QUIRE_NO_TENSOR;
		if (weight->bias)
			linear->bias =
			    in->tensor_of[number_of(in, weight->bias)];
		status = quire_name_claim(&plan->linear_names, wanted, SIZE_MAX,
					  &linear->name, in->error);
		free(wanted);
		if (status != QUIRE_OK)
			return status;
		plan->linear_count++;
	}
	return QUIRE_OK;
}

static quire_status check_total(const struct planner *in)
{
	struct plan *plan = in->plan;

	if (plan->tensor_count == 0)
		return quire_fail(in->error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "nothing to convert: the model has no "
				  "MatMulNBits node and no constant of a "
				  "float type");
	for (size_t i = 0; i < plan->item_count; i++)
		if (!checked_add(plan->size, plan->items[i].size, &plan->size))
			return quire_fail(in->error, QUIRE_ERROR_LAYOUT,
					  QUIRE_NO_OFFSET,
					  "the sizes of the tensors overflow");
	return QUIRE_OK;
}

static quire_status allocate(struct planner *in)
{
	const struct onnx_model *model = in->model;
	struct plan *plan = in->plan;
	/* One more of each, so that none is of zero size. */
	const size_t values = model->value_count + 1;
	size_t weights = 1;

	for (size_t i = 0; i < model->node_count; i++)
		weights += holds_weight(&model->nodes[i]);
	in->uses = calloc(values, sizeof(*in->uses));
	in->tensor_of = calloc(values, sizeof(*in->tensor_of));
	in->keys = calloc(weights, sizeof(*in->keys));
	in->first = calloc(weights, sizeof(*in->first));
	in->weight_tensor = calloc(weights, sizeof(*in->weight_tensor));
	in->distinct = calloc(weights, sizeof(*in->distinct));
	plan->weights = calloc(weights, sizeof(*plan->weights));
	plan->linears = calloc(weights, sizeof(*plan->linears));
	plan->items = calloc(values + weights, sizeof(*plan->items));
	if (!in->uses || !in->tensor_of || !in->keys || !in->first ||
	    !in->weight_tensor || !in->distinct || !plan->weights ||
	    !plan->linears || !plan->items)
		return fail_memory(in);
	return QUIRE_OK;
}

quire_status quire_plan_create(const struct onnx_model *model,
			       const quire_convert_options *options,
			       struct plan **plan, quire_error *error)
{
	struct planner in = { .model = model,
			      .options = options,
			      .error = error };
	quire_status status;

	in.plan = calloc(1, sizeof(*in.plan));
	if (!in.plan)
		return fail_memory(&in);
	status = allocate(&in);
	if (status == QUIRE_OK)
		status = read_nodes(&in);
	if (status == QUIRE_OK)
		status = plan_items(&in);
	if (status == QUIRE_OK)
		status = check_total(&in);
	if (status == QUIRE_OK)
		status = name_items(&in);
	if (status == QUIRE_OK)
		status = plan_linears(&in);
	free(in.uses);
	free(in.tensor_of);
	free(in.keys);
	free(in.first);
	free(in.weight_tensor);
	free(in.distinct);
	quire_table_free(&in.shared);
	if (status == QUIRE_OK)
		*plan = in.plan;
	else
		quire_plan_free(in.plan);
	return status;
}

void quire_plan_free(struct plan *plan)
{
	if (!plan)
		return;
	quire_name_set_free(&plan->tensor_names);
	quire_name_set_free(&plan->linear_names);
	free(plan->items);
	free(plan->linears);
	free(plan->weights);
	free(plan);
}
