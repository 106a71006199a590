/*
 * plan_create.c - walks nodes and constants once each, in order.
 * plan_weights.c, plan_dense.c and plan_names.c decide about each. Writes
 * nothing.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/operators/operators.h"
#include "convert/plan/planner.h"

/* By the place of the codes in the file, then by node. */
static int compare_distinct(const void *left, const void *right)
{
	const struct distinct *a = left;
	const struct distinct *b = right;

	if (a->codes != b->codes)
		return a->codes < b->codes ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
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
			    quire_plan_weight(in, next->number);

			if (status != QUIRE_OK)
				return status;
		}
		if (quire_plan_is_dense(in, value)) {
			const quire_status status = quire_plan_dense(in, value);

			if (status != QUIRE_OK)
				return status;
		}
	}
	const quire_status status = quire_plan_biases(in);

	quire_plan_add_left(in);
	return status;
}

/* Bytes of tensors for each byte of the source that they are made of. 2-bit
 * codes that become F32 make 16. */
#define SIZE_FACTOR 24
#define SIZE_BASE   (UINT64_C(16) << 20)

/* A few bytes of a model, used by many nodes, could else fill the disk. */
static quire_status check_size(const struct planner *in)
{
	const uint64_t source = in->model->source_size;
	uint64_t limit;

	if (!checked_mul(source, SIZE_FACTOR, &limit) ||
	    !checked_add(limit, SIZE_BASE, &limit) || in->plan->size <= limit)
		return QUIRE_OK;
	return quire_fail(in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "the tensors would take %" PRIu64 " bytes, far more "
			  "than the %" PRIu64 " bytes of the source: it uses "
			  "the same data again and again",
			  in->plan->size, source);
}

static quire_status check_total(const struct planner *in)
{
	struct plan *plan = in->plan;

	if (plan->tensor_count == 0)
		return quire_fail(
		    in->error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
		    "nothing to convert: the model has no "
		    "quantized weight and no constant of a "
		    "float type%s",
		    in->left_out > 0 ? " that the recipe takes" : "");
	for (size_t i = 0; i < plan->item_count; i++)
		if (!checked_add(plan->size, plan->items[i].size, &plan->size))
			return quire_fail(in->error, QUIRE_ERROR_LAYOUT,
					  QUIRE_NO_OFFSET,
					  "the sizes of the tensors overflow");
	return check_size(in);
}

static quire_status allocate(struct planner *in)
{
	const struct onnx_model *model = in->model;
	struct plan *plan = in->plan;
	/* One more of each, so that no size is 0. */
	const size_t values = model->value_count + 1;
	size_t weights = 1;

	for (size_t i = 0; i < model->node_count; i++) {
		const struct onnx_node *node = &model->nodes[i];
		const struct weight_operator *found =
		    quire_operator_of(model, node);

		if (found)
			weights += quire_operator_count(found, node);
	}
	in->operands = calloc(model->node_count + 1, sizeof(*in->operands));
	in->is_holder = calloc(model->node_count + 1, sizeof(*in->is_holder));
	in->uses = calloc(values, sizeof(*in->uses));
	in->taker = calloc(values, sizeof(*in->taker));
	in->tensor_of = calloc(values, sizeof(*in->tensor_of));
	in->places = calloc(weights, sizeof(*in->places));
	in->distinct = calloc(weights, sizeof(*in->distinct));
	plan->weights = calloc(weights, sizeof(*plan->weights));
	plan->tensors = calloc(weights, sizeof(*plan->tensors));
	plan->linears = calloc(weights, sizeof(*plan->linears));
	/* A left node has no weight, or makes place for one; and each weight
	 * may have a bias. */
	plan->items = calloc(values + 2 * weights + model->node_count,
			     sizeof(*plan->items));
	if (!in->operands || !in->is_holder || !in->uses || !in->taker ||
	    !in->tensor_of || !in->places || !in->distinct || !plan->weights ||
	    !plan->tensors || !plan->linears || !plan->items)
		return quire_plan_no_memory(in);
	return QUIRE_OK;
}

/* Below this, starting threads takes longer than reading. */
#define WORTH_THREADS ((uint64_t)4 << 20)

static bool is_worth_threads(const struct onnx_model *model)
{
	uint64_t size = model->file->size;

	for (size_t i = 0; i < model->files.count && size < WORTH_THREADS; i++)
		size += model->files.items[i]->size;
	return size >= WORTH_THREADS;
}

static quire_status check_patterns(const struct planner *in)
{
	const struct onnx_model *model = in->model;
	const uint64_t names = model->value_count + model->node_count;
	uint64_t size = 0;

	for (size_t i = 0; i < model->value_count; i++)
		size += strlen(model->values[i].name);
	for (size_t i = 0; i < model->node_count; i++)
		size += strlen(model->nodes[i].name);
	return quire_recipe_check_work(in->recipe, size, names, in->error);
}

static quire_status make_plan(struct planner *in)
{
	quire_status status = check_patterns(in);

	if (status == QUIRE_OK)
		status = allocate(in);
	if (status == QUIRE_OK)
		status = quire_plan_read_nodes(in);
	if (status == QUIRE_OK)
		status = plan_items(in);
	if (status == QUIRE_OK)
		status = check_total(in);
	if (status == QUIRE_OK)
		status = quire_plan_name_items(in);
	return status == QUIRE_OK ? quire_plan_linears(in) : status;
}

static void free_planner(struct planner *in)
{
	free(in->operands);
	free(in->is_holder);
	free(in->left);
	free(in->uses);
	free(in->taker);
	free(in->tensor_of);
	free(in->places);
	free(in->distinct);
	quire_table_free(&in->shared);
	quire_table_free(&in->biases);
	quire_crew_destroy(in->crew);
}

quire_status quire_plan_create(const struct onnx_model *model,
			       const struct recipe *recipe, uint32_t threads,
			       struct plan **plan, quire_error *error)
{
	struct crew crew;
	struct planner in = {
		.model = model, .recipe = recipe, .crew = &crew, .error = error
	};
	quire_status status;

	if (!is_worth_threads(model))
		threads = 1;
	status = quire_crew_init(&crew, threads, NULL, NULL);
	if (status != QUIRE_OK)
		return quire_fail_threads(error, status, threads);
	in.plan = calloc(1, sizeof(*in.plan));
	status = in.plan ? make_plan(&in) : quire_plan_no_memory(&in);
	free_planner(&in);
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
	free(plan->tensors);
	free(plan);
}
