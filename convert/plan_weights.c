/*
 * plan_weights.c - which nodes hold which quantized weight, and what each
 * becomes. How a weight is read and written is not known here.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "convert/gather_block_quantized.h"
#include "convert/planner.h"
#include "convert/relatives.h"
#include "format/bytes.h"
#include "format/error.h"

bool quire_plan_holds_weight(const struct onnx_node *node)
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
			in->uses[quire_plan_number(in, value)] |=
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
		{ quire_plan_number(in, weight->codes),
		  quire_plan_number(in, weight->scales),
		  quire_plan_number(in, weight->zero_points),
		  quire_plan_number(in, weight->g_idx) },
		{ weight->k, weight->n, weight->block_size, weight->bits },
	};
	first = quire_table_find(&in->shared, 0, key, sizeof(*key));
	in->first[number] = first ? *first : number;
	if (first)
		return QUIRE_OK;
	in->distinct[in->distinct_count++] =
	    (struct distinct){ quire_plan_number(in, weight->codes), number };
	return quire_table_add(&in->shared, 0, key, sizeof(*key), number,
			       in->error);
}

quire_status quire_plan_read_nodes(struct planner *in)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < in->model->node_count && status == QUIRE_OK;
	     i++) {
		const struct onnx_node *node = &in->model->nodes[i];

		mark_uses(in, node);
		status = quire_relatives_check(in->model, node, in->error);
		if (status == QUIRE_OK && quire_plan_holds_weight(node))
			status = add_weight(in, node);
	}
	return status;
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

quire_status quire_plan_weight(struct planner *in, size_t number)
{
	const struct matmulnbits *weight = &in->plan->weights[number];
	struct plan_item *item = quire_plan_add_item(in, weight->codes);
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
