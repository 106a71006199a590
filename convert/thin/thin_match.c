/*
 * thin_match.c - pairs a plan with a container, and proves that the container
 * was made from the model: what is to be proved is that converting the model
 * gives these bytes, so the converter's pipeline does it once more.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "convert/pipeline.h"
#include "convert/thin/thin.h"

/* ---------------------------------------------------------------- matching */

#define NOT_OF_MODEL "; the container was made from another model, or changed"

static quire_status fail_item(const struct thinning *thin,
			      const struct plan_item *item, const char *what)
{
	if (item->kind != PLAN_WEIGHT)
		return quire_fail(thin->error, QUIRE_ERROR_LAYOUT,
				  QUIRE_NO_OFFSET, "constant '%.60s': %s",
				  item->value->name, what);
	return quire_fail(thin->error, QUIRE_ERROR_LAYOUT, QUIRE_NO_OFFSET,
			  "node '%.60s' (%s): %s",
			  quire_onnx_label(item->weight->node),
			  item->weight->node->op_type, what);
}

/* Gives an item the type that its tensor has, which was the user's choice. */
static quire_status follow_type(const struct thinning *thin,
				struct plan_item *item,
				const quire_tensor *tensor)
{
	if (item->kind == PLAN_WEIGHT) {
		if (item->dtype != QUIRE_F32 || tensor->dtype != QUIRE_F16)
			return fail_item(thin, item,
					 "converting it gives a tensor of "
					 "another type" NOT_OF_MODEL);
		item->encoding = &quire_encode_dense_f16;
	} else {
		item->cast = item->kind == PLAN_BIAS
				 ? NULL
				 : quire_cast_find(item->dtype, tensor->dtype);
		if (!item->cast)
			return fail_item(thin, item,
					 "its tensor is not of a float type");
		item->kind = PLAN_CAST;
	}
	item->dtype = tensor->dtype;
	item->size = tensor->size;
	return QUIRE_OK;
}

static quire_status match_item(struct thinning *thin, struct sources *sources,
			       struct plan_item *item)
{
	const quire_tensor *tensor;

	if (item->kind == PLAN_LEFT_OUT)
		return QUIRE_OK;
	tensor = quire_sources_take(sources, item->value->name);
	thin->tensors[item->index] = tensor;
	if (!tensor) {
		item->kind = PLAN_LEFT_OUT;
		item->size = 0;
		return QUIRE_OK;
	}
	if (memcmp(tensor->shape, item->shape, sizeof(item->shape)) != 0)
		return fail_item(thin, item,
				 "its tensor in the container has another "
				 "shape" NOT_OF_MODEL);
	return tensor->dtype == item->dtype ? QUIRE_OK
					    : follow_type(thin, item, tensor);
}

/* Whether a linear is the one that the plan has for a node. One without the
 * bias that an Add adds computes less, and the Add does the rest. */
static bool is_planned(const struct thinning *thin,
		       const struct plan_linear *planned,
		       const quire_linear *linear)
{
	const quire_tensor *bias = planned->bias == QUIRE_NO_TENSOR
				       ? NULL
				       : thin->tensors[planned->bias];

	return linear->weight == thin->tensors[planned->tensor] &&
	       linear->k == planned->weight->value.k &&
	       (linear->bias ? linear->bias == bias
			     : planned->bias == QUIRE_NO_TENSOR ||
				   planned->weight->intent.adder);
}

/* Both are in the order of the nodes. A recipe may have left out some. */
static quire_status match_linears(struct thinning *thin)
{
	const size_t count = quire_model_linear_count(thin->file);
	size_t next = 0;

	for (size_t i = 0; i < thin->plan->linear_count && next < count; i++) {
		const quire_linear *linear =
		    quire_model_linear(thin->file, next);

		if (!is_planned(thin, &thin->plan->linears[i], linear))
			continue;
		thin->linears[i] = linear;
		next++;
	}
	if (next == count)
		return QUIRE_OK;

	const quire_string name = quire_model_linear(thin->file, next)->name;

	return quire_fail(thin->error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			  "linear '%.*s' belongs to no node of the model",
			  name.size < 80 ? (int)name.size : 80, name.data);
}

quire_status quire_thin_match(struct thinning *thin)
{
	struct plan *plan = thin->plan;
	struct sources sources;
	quire_status status =
	    quire_sources_index(thin->file, &sources, thin->error);

	thin->tensors = calloc(plan->tensor_count + 1, sizeof(*thin->tensors));
	thin->linears = calloc(plan->linear_count + 1, sizeof(*thin->linears));
	if (status == QUIRE_OK && (!thin->tensors || !thin->linears))
		status = quire_fail_memory(thin->error, plan->tensor_count);
	for (size_t i = 0; i < plan->item_count && status == QUIRE_OK; i++)
		status = match_item(thin, &sources, &plan->items[i]);
	if (status == QUIRE_OK)
		status = quire_sources_check(&sources, thin->error);
	if (status == QUIRE_OK)
		status = match_linears(thin);
	quire_sources_free(&sources);
	/* The container holds these sizes, so their sum cannot overflow. */
	plan->size = 0;
	for (size_t i = 0; i < plan->item_count && status == QUIRE_OK; i++)
		plan->size += plan->items[i].size;
	return status;
}

/* ----------------------------------------------------------------- proving */

struct prover {
	const struct thinning *thin;
	const struct plan_item *item;
	uint64_t at; /* bytes of its tensor that were compared */
};

static quire_status fail_bytes(const struct prover *in,
			       const quire_tensor *tensor, uint64_t at,
			       quire_error *error)
{
	const struct plan_item *item = in->item;
	quire_part part = { .path = NULL };

	(void)quire_model_part(in->thin->file, tensor->part, &part);
	return quire_fail_file(
	    error, QUIRE_ERROR_LAYOUT,
	    part.path ? part.path : in->thin->gguf_path, tensor->offset + at,
	    "tensor '%.*s' is not what converting '%.60s' of the model gives; "
	    "one of the two was changed: convert again",
	    tensor->name.size < 64 ? (int)tensor->name.size : 64,
	    tensor->name.data, item->value->name);
}

static quire_status compare_bytes(void *context, const struct plan_item *item,
				  const void *data, size_t size,
				  quire_error *error)
{
	struct prover *in = context;
	const quire_tensor *tensor = in->thin->tensors[item->index];
	const unsigned char *wanted = data;
	const unsigned char *held;

	if (in->item != item)
		in->at = 0;
	in->item = item;
	held = (const unsigned char *)tensor->data + in->at;
	if (memcmp(held, wanted, size) != 0) {
		size_t at = 0;

		while (held[at] == wanted[at])
			at++;
		return fail_bytes(in, tensor, in->at + at, error);
	}
	in->at += size;
	return QUIRE_OK;
}

quire_status quire_thin_prove(struct thinning *thin)
{
	const struct pipeline_options options = {
		.threads = thin->options->threads,
		.progress = thin->options->progress,
		.context = thin->options->context,
	};
	struct prover prover = { .thin = thin };
	quire_status status = quire_pipeline_pass(
	    thin->plan, compare_bytes, &prover, &options, thin->error);

	return status == QUIRE_OK
		   ? quire_model_check_files(thin->file, thin->error)
		   : status;
}
