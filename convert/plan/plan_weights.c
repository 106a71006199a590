/*
 * plan_weights.c - which nodes have which quantized weight, and what each
 * becomes. Knows neither how a weight is read nor how it is written.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "convert/operators/product.h"
#include "convert/plan/planner.h"

/* A bit for each input that may be an operand of a weight. */
#define OPERAND_INPUTS 32

static size_t number_of_node(const struct planner *in,
			     const struct onnx_node *node)
{
	return (size_t)(node - in->model->nodes);
}

static void mark_uses(const struct planner *in, size_t number)
{
	const struct onnx_node *node = &in->model->nodes[number];

	for (size_t i = 0; i < node->input_count; i++) {
		const struct onnx_value *value =
		    quire_onnx_find(in->model, node->scope, node->inputs[i]);
		const bool operand =
		    i < OPERAND_INPUTS && (in->operands[number] >> i & 1);

		if (!value)
			continue;
		in->uses[value_number(in, value)] |=
		    operand ? USED_BY_WEIGHT : USED_AS_SUCH;
		if (in->taker[value_number(in, value)] == 0)
			in->taker[value_number(in, value)] = number + 1;
		else
			in->uses[value_number(in, value)] |= USED_TWICE;
	}
}

/* A constant that an Add alone adds to a product is the bias of the product's
 * linear. */
static void find_added(const struct planner *in, struct weight *weight)
{
	const struct onnx_node *node = weight->node;
	const struct onnx_value *y;
	const struct onnx_node *taker;
	size_t number;

	if (weight->intent.no_linear || weight->intent.bias ||
	    node->output_count != 1)
		return;
	y = quire_onnx_find(in->model, node->scope, node->outputs[0]);
	if (!y || y->output || in->taker[value_number(in, y)] == 0 ||
	    (in->uses[value_number(in, y)] & USED_TWICE))
		return;
	number = in->taker[value_number(in, y)] - 1;
	taker = &in->model->nodes[number];
	weight->intent.bias =
	    quire_product_added(in->model, taker, y, weight->value.n);
	if (!weight->intent.bias)
		return;
	weight->intent.adder = taker;
	in->uses[value_number(in, weight->intent.bias)] |= USED_AS_BIAS;
}

static void mark_operand(const struct planner *in, const struct onnx_use *use)
{
	assert(use->input < OPERAND_INPUTS);
	if (use->node)
		in->operands[number_of_node(in, use->node)] |= UINT32_C(1)
							       << use->input;
}

static void mark_operands(const struct planner *in, const struct weight *weight)
{
	for (size_t i = 0; i < WEIGHT_CONSTANT_COUNT; i++)
		mark_operand(in, &weight->uses[i]);
	mark_operand(in, &weight->intent.bias_scale_use);
	if (weight->holder)
		in->is_holder[number_of_node(in, weight->holder)] = true;
}

struct weight_key quire_plan_key(const struct weight *weight)
{
	return (struct weight_key){
		.storage = weight->storage,
		.value = weight->value,
		.no_padding = weight->intent.no_padding,
	};
}

static quire_status add_weight(struct planner *in, const struct onnx_node *node,
			       const struct weight_operator *found,
			       size_t index)
{
	const size_t number = in->weight_count;
	struct weight *weight = &in->plan->weights[number];
	struct weight_place *place = &in->places[number];
	const size_t *first;
	quire_status status =
	    found->read(in->model, node, index, weight, in->error);

	if (status != QUIRE_OK)
		return status;
	in->weight_count++;
	mark_operands(in, weight);
	if (quire_plan_bias_of(weight).value)
		in->uses[value_number(in, weight->intent.bias)] |=
		    USED_DEQUANTIZED;
	place->key = quire_plan_key(weight);
	place->tensor = QUIRE_NO_TENSOR;
	first =
	    quire_table_find(&in->shared, 0, &place->key, sizeof(place->key));
	place->first = first ? *first : number;
	if (first)
		return QUIRE_OK;
	in->distinct[in->distinct_count++] =
	    (struct distinct){ value_number(in, weight->storage.codes.value),
			       number };
	return quire_table_add(&in->shared, 0, &place->key, sizeof(place->key),
			       number, in->error);
}

static quire_status read_node(struct planner *in, size_t number, bool late)
{
	const struct onnx_node *node = &in->model->nodes[number];
	const struct weight_operator *found =
	    quire_operator_of(in->model, node);
	quire_status status = QUIRE_OK;
	size_t count;

	/* Another node may have read the weight of this one. */
	if (!found && late && !in->is_holder[number])
		return quire_plan_leave_node(
		    in, number,
		    quire_unsupported_check(in->model, node, in->error));
	if (!found || found->late != late || (late && in->is_holder[number]))
		return QUIRE_OK;
	count = quire_operator_count(found, node);
	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = add_weight(in, node, found, i);
	return quire_plan_leave_node(in, number, status);
}

quire_status quire_plan_read_nodes(struct planner *in)
{
	const size_t count = in->model->node_count;

	for (int late = 0; late <= 1; late++)
		for (size_t i = 0; i < count; i++) {
			const quire_status status = read_node(in, i, late);

			if (status != QUIRE_OK)
				return status;
		}
	for (size_t i = 0; i < count; i++)
		if (!in->model->nodes[i].expanded)
			mark_uses(in, i);
	for (size_t i = 0; i < in->weight_count; i++)
		find_added(in, &in->plan->weights[i]);
	return QUIRE_OK;
}

static quire_status choose_encoding(const struct planner *in,
				    struct plan_item *item)
{
	const struct weight *weight = item->weight;
	struct rounding rounding;
	struct weight_scan scan;
	uint32_t *blocks = NULL;
	quire_status status = quire_weight_acquire(weight, in->error);

	if (status != QUIRE_OK)
		return status;
	status = quire_weight_column_blocks(weight, &blocks, in->error);
	if (status == QUIRE_OK)
		status = quire_weight_scan(weight, blocks, in->crew, &scan,
					   in->error);
	free(blocks);
	quire_weight_release(weight);
	if (status != QUIRE_OK)
		return status;
	item->encoding = quire_encoding_choose(
	    weight, &scan, in->recipe->fallback, item->reason);
	if (!item->encoding)
		return quire_fail(in->error, QUIRE_ERROR_UNSUPPORTED,
				  QUIRE_NO_OFFSET,
				  "node '%s' (%s): no block type holds its "
				  "weight: %s",
				  quire_onnx_label(weight->node),
				  weight->node->op_type, item->reason);
	if (item->reason[0])
		item->outcome = QUIRE_OUTCOME_FALLBACK;
	rounding = item->encoding->rounding(&scan);
	item->scale_error_max = rounding.max;
	item->scale_error_mean = rounding.mean;
	if (weight->intent.note && !item->reason[0])
		snprintf(item->reason, sizeof(item->reason), "%s",
			 weight->intent.note);
	else if (weight->holder == weight->node && weight->intent.no_padding &&
		 !item->reason[0])
		quire_plan_name_taker(in, weight, item->reason);
	return QUIRE_OK;
}

/* All but the first dimension. */
static void set_shape(const struct weight_value *value, struct plan_item *item)
{
	item->rank = value->rank;
	memcpy(&item->shape[1], value->outer, sizeof(value->outer));
}

quire_status quire_plan_weight(struct planner *in, size_t number)
{
	const struct weight *weight = &in->plan->weights[number];
	struct plan_item *item = quire_plan_add_item(
	    in, weight->storage.codes.value, weight->node->name);
	uint32_t block_count = 1;
	uint32_t block_size = 0;
	bool taken;
	quire_status status = quire_plan_take(in, item, &taken);

	item->source_size = quire_weight_size(weight);
	if (status != QUIRE_OK || !taken)
		return status;
	item->kind = PLAN_WEIGHT;
	item->weight = weight;
	item->outcome = QUIRE_OUTCOME_EXACT;
	status = choose_encoding(in, item);
	if (status != QUIRE_OK)
		return status;
	item->dtype = item->encoding->dtype;
	set_shape(&weight->value, item);
	quire_dtype_block(item->dtype, &block_count, &block_size);
	if (!checked_pad(weight->value.k, block_count, &item->shape[0]) ||
	    !checked_mul(item->shape[0] / block_count * block_size,
			 weight->value.n, &item->size))
		return quire_fail(
		    in->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
		    "node '%s' (%s): K or N is out of range",
		    quire_onnx_label(weight->node), weight->node->op_type);
	item->index = in->plan->tensor_count++;
	in->places[number].tensor = item->index;
	return QUIRE_OK;
}
