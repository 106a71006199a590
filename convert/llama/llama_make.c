/*
 * llama_make.c - makes a plan over: items get llama.cpp's names; q, k and v
 * come apart, rows change places, gate and up become one tensor, vectors become
 * F32. Linears stay where their weight is still the whole constant in its
 * order.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "convert/llama/llama_model.h"

struct making {
	struct llama *llama;
	struct plan *plan;
	struct plan_item *items; /* the new ones */
	size_t count;
	size_t tensor_count;
	uint64_t size;
	/* Of each old tensor: the new one that is the same, or
	 * QUIRE_NO_TENSOR. */
	size_t *same;
};

/* ------------------------------------------------------------------- names */

static quire_status name_item(struct making *making, enum llama_target target,
			      bool bias, size_t layer, struct plan_item *item)
{
	const struct llama *llama = making->llama;
	const unsigned wants = llama->architecture->wants[target];
	char *name =
	    quire_arena_own(&making->llama->arena, 1, QUIRE_LLAMA_NAME_SIZE);

	if (!name)
		return quire_fail_memory(llama->error, QUIRE_LLAMA_NAME_SIZE);
	quire_llama_name(target, bias, layer, name);
	if ((wants & (bias ? BIAS | BIAS_OR_NOT : WEIGHT | WEIGHT_OR_NOT)) ==
		0 &&
	    !(target == TARGET_ATTN_QKV && llama->options->keep_fused_qkv))
		return quire_llama_refuse(
		    llama, "tensor '%.80s': llama.cpp's %s has no '%s'",
		    item->value->name, llama->architecture->name, name);
	item->name = name;
	return QUIRE_OK;
}

/* ------------------------------------------------------------------- items */

/* Whether llama.cpp rotates neighbouring rows, and ONNX rows half a head
 * apart. */
static bool permutes(const struct llama *llama)
{
	return llama->architecture->rope == ROPE_NORM &&
	       !llama->graph.interleaved;
}

static uint64_t heads_to_permute(const struct llama *llama,
				 enum llama_target target)
{
	if (!permutes(llama))
		return 0;
	if (target == TARGET_ATTN_Q)
		return llama_count(llama, FACT_HEADS);
	if (target == TARGET_ATTN_K)
		return llama_count(llama, FACT_KV_HEADS);
	return 0;
}

static quire_status fail_shape(const struct llama *llama,
			       const struct plan_item *item, const char *what)
{
	return quire_fail(llama->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "tensor '%.80s' %s", item->value->name, what);
}

/* Sets shape, size and kind of a vector, a matrix or a quantized weight that
 * has `rows` of the source's rows. */
static quire_status size_item(const struct llama *llama, struct plan_item *item)
{
	const uint64_t all = item->weight     ? item->weight->value.n
			     : item->rank < 2 ? item->value->count
			     : item->rows.transpose
				 ? (uint64_t)item->value->dims[1]
				 : (uint64_t)item->value->dims[0];
	const uint64_t count = item->rows.count ? item->rows.count : all;
	const bool moved = item->rows.count > 0 || item->rows.heads > 0 ||
			   item->rows.transpose;
	uint32_t block = 1;
	uint32_t size = 0;

	if (item->rank > 2 || item->rows.first > all ||
	    count > all - item->rows.first || count == 0)
		return fail_shape(llama, item, "has too few rows to split");
	if (item->kind == PLAN_BIAS && moved)
		return fail_shape(llama, item, "is INT32, and must be split");
	if (item->rows.heads > 0 && count % (2 * item->rows.heads) != 0)
		return fail_shape(llama, item,
				  "has no even number of rows a head");
	if (item->rank < 2) {
		item->cast = quire_cast_find(item->dtype, QUIRE_F32);
		item->dtype = QUIRE_F32;
		item->rank = 1;
		item->shape[0] = count;
	} else {
		if (item->rows.transpose)
			item->shape[0] = (uint64_t)item->value->dims[0];
		item->shape[1] = count;
	}
	if (!item->weight && item->kind != PLAN_BIAS)
		item->kind = moved	  ? PLAN_ROWS
			     : item->cast ? PLAN_CAST
					  : PLAN_COPY;
	quire_dtype_block(item->dtype, &block, &size);
	item->size = item->shape[0] / block * size *
		     (item->rank < 2 ? 1 : item->shape[1]);
	if (count < all) /* the report's sum stays that of the source */
		item->source_size = item->source_size / all * count;
	return QUIRE_OK;
}

/* llama.cpp adds rows of this one to tokens as they lie in the file. */
static void make_dense(struct plan_item *item)
{
	if (!item->weight)
		return;
	item->encoding = &quire_encode_dense;
	item->dtype = QUIRE_F32;
	item->shape[0] = item->weight->value.k;
	item->outcome = QUIRE_OUTCOME_FALLBACK;
	item->scale_error_max = 0;
	item->scale_error_mean = 0;
	snprintf(item->reason, sizeof(item->reason),
		 "llama.cpp takes token types as F32 only");
}

/* Adds the tensor, or the rows `first` to `first` + `count` of it. */
static quire_status add_rows(struct making *making,
			     const struct llama_tensor *tensor,
			     enum llama_target target, uint64_t first,
			     uint64_t count)
{
	const struct llama *llama = making->llama;
	struct plan_item *item = &making->items[making->count];
	quire_status status;

	*item = *tensor->item;
	item->rows = (struct plan_rows){
		.transpose = quire_llama_is_transposed(llama, tensor->item),
		.first = first,
		.count = count,
		.heads = heads_to_permute(llama, target),
	};
	if (target == TARGET_TOKEN_TYPES)
		make_dense(item);
	status = size_item(llama, item);
	if (status == QUIRE_OK)
		status = name_item(making, target, tensor->bias, tensor->layer,
				   item);
	if (status != QUIRE_OK)
		return status;
	item->index = making->tensor_count++;
	making->count++;
	making->size += item->size;
	if (!item->rows.transpose && count == 0 && item->rows.heads == 0)
		making->same[tensor->item->index] = item->index;
	return QUIRE_OK;
}

/* ------------------------------------------------------- joins and splits */

static quire_status split_qkv(struct making *making,
			      const struct llama_tensor *tensor)
{
	const uint64_t q = llama_q_rows(making->llama);
	const uint64_t kv = llama_kv_rows(making->llama);
	quire_status status = add_rows(making, tensor, TARGET_ATTN_Q, 0, q);

	if (status == QUIRE_OK)
		status = add_rows(making, tensor, TARGET_ATTN_K, q, kv);
	return status == QUIRE_OK
		   ? add_rows(making, tensor, TARGET_ATTN_V, q + kv, kv)
		   : status;
}

static quire_status split_gate(struct making *making,
			       const struct llama_tensor *tensor)
{
	const uint64_t rows = llama_count(making->llama, FACT_FEED_FORWARD);
	const quire_status status =
	    add_rows(making, tensor, TARGET_FFN_GATE, 0, rows);

	return status == QUIRE_OK
		   ? add_rows(making, tensor, TARGET_FFN_UP, rows, rows)
		   : status;
}

/* Gate first; `up` goes on in the same tensor. */
static quire_status join_gate(struct making *making,
			      const struct llama_tensor *gate)
{
	const struct llama *llama = making->llama;
	const struct llama_tensor *up =
	    quire_llama_find(llama, TARGET_FFN_UP, gate->bias, gate->layer);
	struct plan_item *first = &making->items[making->count];
	struct plan_item *second = first + 1;
	quire_status status;

	if (!up)
		return fail_shape(llama, gate->item, "has no up_proj");
	status = add_rows(making, gate, TARGET_FFN_GATE_UP, 0, 0);
	if (status != QUIRE_OK)
		return status;
	making->same[gate->item->index] = QUIRE_NO_TENSOR;
	*second = *up->item;
	second->rows.transpose = quire_llama_is_transposed(llama, up->item);
	if (first->dtype != second->dtype || second->rows.transpose ||
	    first->shape[0] != second->shape[0] || first->rank != 2)
		return quire_llama_refuse(
		    llama,
		    "tensors '%.80s' (%s) and '%.80s' (%s) do not make the one "
		    "that llama.cpp's %s wants",
		    gate->item->name, quire_dtype_name(first->dtype),
		    up->item->name, quire_dtype_name(second->dtype),
		    llama->architecture->name);
	second->continues = true;
	second->name = first->name;
	second->index = first->index;
	first->shape[1] += second->shape[1];
	making->size += second->size;
	making->count++;
	return QUIRE_OK;
}

static quire_status add_tensor(struct making *making,
			       const struct llama_tensor *tensor)
{
	const struct llama *llama = making->llama;
	const unsigned char *wants = llama->architecture->wants;

	switch (tensor->target) {
	case TARGET_ATTN_QKV:
		if (wants[TARGET_ATTN_QKV] != 0)
			break;
		if (!llama->options->keep_fused_qkv)
			return split_qkv(making, tensor);
		if (permutes(llama))
			return quire_llama_refuse(
			    llama,
			    "--keep-fused-qkv: llama.cpp's %s wants rows of q "
			    "and k in another order, so they must come apart",
			    llama->architecture->name);
		break;
	case TARGET_FFN_GATE_UP:
		if (wants[TARGET_FFN_GATE_UP] == 0)
			return split_gate(making, tensor);
		break;
	case TARGET_FFN_GATE:
		if (wants[TARGET_FFN_GATE_UP] != 0)
			return join_gate(making, tensor);
		break;
	case TARGET_FFN_UP:
		if (wants[TARGET_FFN_GATE_UP] != 0)
			return QUIRE_OK; /* with the gate */
		break;
	default:
		break;
	}
	return add_rows(making, tensor, tensor->target, 0, 0);
}

/* ----------------------------------------------------------- rotary factors */

/* A vector that the model has in another form only. */
static quire_status add_factors(struct making *making, enum llama_target target,
				const double *factors)
{
	struct llama *llama = making->llama;
	const size_t count = (size_t)quire_llama_size(llama, SIZE_PAIRS);
	struct onnx_value *value =
	    quire_arena_own(&llama->arena, 1, sizeof(*value));
	unsigned char *bytes = quire_arena_own(&llama->arena, count, 4);
	struct plan_item *item = &making->items[making->count];
	quire_status status;

	if (!factors)
		return QUIRE_OK;
	if (!value || !bytes)
		return quire_fail_memory(llama->error, count * 4);
	for (size_t i = 0; i < count; i++)
		store_f32(bytes + 4 * i, (float)factors[i]);
	*value = (struct onnx_value){ .name = "",
				      .type = ONNX_FLOAT,
				      .count = count,
				      .size = count * 4,
				      .bytes = bytes };
	*item = (struct plan_item){ .kind = PLAN_COPY,
				    .made = true,
				    .value = value,
				    .index = making->tensor_count,
				    .dtype = QUIRE_F32,
				    .rank = 1,
				    .shape = { count, 1, 1, 1 },
				    .size = count * 4 };
	snprintf(item->reason, sizeof(item->reason),
		 "by the tables of the rotary embedding");
	status = name_item(making, target, false, 0, item);
	if (status != QUIRE_OK)
		return status;
	making->tensor_count++;
	making->count++;
	making->size += item->size;
	return QUIRE_OK;
}

static quire_status add_rope(struct making *making)
{
	double **factors = making->llama->factors;
	quire_status status;

	if (making->llama->graph.table_count < 2)
		return add_factors(making, TARGET_ROPE_FREQS, factors[0]);
	status = add_factors(making, TARGET_ROPE_LONG, factors[0]);
	return status == QUIRE_OK
		   ? add_factors(making, TARGET_ROPE_SHORT, factors[1])
		   : status;
}

/* ----------------------------------------------------------------- linears */

static size_t moved(const struct making *making, size_t tensor)
{
	return tensor == QUIRE_NO_TENSOR ? QUIRE_NO_TENSOR
					 : making->same[tensor];
}

static void keep_linears(struct making *making)
{
	struct plan *plan = making->plan;
	size_t kept = 0;

	for (size_t i = 0; i < plan->weight_count; i++)
		plan->tensors[i] = moved(making, plan->tensors[i]);
	for (size_t i = 0; i < plan->linear_count; i++) {
		struct plan_linear linear = plan->linears[i];
		const size_t bias = moved(making, linear.bias);

		linear.tensor = moved(making, linear.tensor);
		if (linear.tensor == QUIRE_NO_TENSOR ||
		    (linear.bias != QUIRE_NO_TENSOR && bias == QUIRE_NO_TENSOR))
			continue;
		linear.bias = bias;
		plan->linears[kept++] = linear;
	}
	plan->linear_count = kept;
}

/* ------------------------------------------------------------------- whole */

static quire_status make_items(struct making *making)
{
	const struct llama *llama = making->llama;
	const struct plan *plan = making->plan;
	size_t next = 0; /* tensors come in the order of their items */
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < plan->item_count && status == QUIRE_OK; i++) {
		if (next < llama->tensor_count &&
		    llama->tensors[next].item == &plan->items[i])
			status = add_tensor(making, &llama->tensors[next++]);
		else
			making->items[making->count++] = plan->items[i];
	}
	return status == QUIRE_OK ? add_rope(making) : status;
}

quire_status quire_llama_make_over(struct llama *llama, struct plan *plan)
{
	struct making making = { .llama = llama, .plan = plan };
	quire_status status = QUIRE_OK;

	making.items = calloc(3 * plan->item_count + 2, sizeof(*making.items));
	making.same = malloc((plan->tensor_count + 1) * sizeof(*making.same));
	if (!making.items || !making.same)
		status = quire_fail_memory(llama->error, plan->item_count);
	for (size_t i = 0; status == QUIRE_OK && i < plan->tensor_count; i++)
		making.same[i] = QUIRE_NO_TENSOR;
	if (status == QUIRE_OK)
		status = make_items(&making);
	if (status == QUIRE_OK) {
		keep_linears(&making);
		free(plan->items);
		plan->items = making.items;
		plan->item_count = making.count;
		plan->tensor_count = making.tensor_count;
		plan->size = making.size;
		making.items = NULL;
		llama->tensor_count = 0; /* their items are gone */
	}
	free(making.items);
	free(making.same);
	return status;
}
