/*
 * export_contents.c - finds the tensor of each constant. The plan of a
 * conversion lists what to expect; a tensor is found by the name of its source,
 * because a recipe may have renamed the tensor. Where tensors have rows of the
 * constant by operations, export_undo.c puts them together. export_weight.c
 * makes the bytes.
 */
#include <fp16.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/grow.h"
#include "convert/encode/encode.h"
#include "convert/export/export.h"

/* Bytes of a constant that are compared at a time, and of dequantized weights.
 */
#define PIECE_SIZE	((size_t)64 << 10)
#define SAME_PIECE_SIZE (UINT64_C(1) << 20)

/* ------------------------------------------------------- the same numbers */

static bool same_floats(const float *values, const unsigned char *encoded,
			uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		const float other = load_f32(encoded + 4 * i);

		if (fp32_to_bits(values[i]) != fp32_to_bits(other) &&
		    !(isnan(values[i]) && isnan(other)))
			return false;
	}
	return true;
}

/* Compares rows->count rows. `room` has 8 bytes for each element, and after
 * them the scratch for fetching the rows. */
static quire_status same_rows(struct weight_rows *rows,
			      const quire_tensor *tensor, unsigned char *room,
			      bool *same, quire_error *error)
{
	const struct weight *weight = rows->weight;
	const uint64_t count = rows->count * weight->value.k;
	float *values = (float *)(void *)room;
	unsigned char *encoded = room + 4 * count;
	quire_status status =
	    quire_weight_fetch(rows, encoded + 4 * count, error);

	if (status == QUIRE_OK)
		status = quire_tensor_decode(tensor, rows->first, rows->count,
					     weight->value.k, values, error);
	if (status != QUIRE_OK)
		return status;
	quire_encode_dense.encode(rows, encoded);
	*same = same_floats(values, encoded, count);
	return QUIRE_OK;
}

static quire_status same_weight(const struct weight *weight,
				const uint32_t *blocks,
				const quire_tensor *tensor, bool *same,
				quire_error *error)
{
	const uint64_t row_size = 8 * weight->value.k;
	const uint64_t step =
	    row_size < SAME_PIECE_SIZE ? SAME_PIECE_SIZE / row_size : 1;
	const uint64_t most = step < weight->value.n ? step : weight->value.n;
	const size_t size =
	    (size_t)(most * row_size) + quire_weight_scratch(weight, most);
	unsigned char *room = malloc(size + 1);
	struct weight_rows rows = { .weight = weight, .column_blocks = blocks };
	quire_status status = QUIRE_OK;

	if (!room)
		return quire_fail_memory(error, size + 1);
	*same = true;
	while (rows.first < weight->value.n && *same && status == QUIRE_OK) {
		const uint64_t left = weight->value.n - rows.first;

		rows.count = left < most ? left : most;
		status = same_rows(&rows, tensor, room, same, error);
		rows.first += rows.count;
	}
	free(room);
	return status;
}

/* Whether a tensor of a weight's shape, and of any type, decodes to the
 * dequantized weight of the node, bit for bit. */
static quire_status is_same(const struct weight *weight,
			    const quire_tensor *tensor, bool *same,
			    quire_error *error)
{
	uint32_t *blocks = NULL;
	quire_status status = quire_weight_acquire(weight, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_weight_column_blocks(weight, &blocks, error);
	if (status == QUIRE_OK)
		status = same_weight(weight, blocks, tensor, same, error);
	free(blocks);
	quire_weight_release(weight);
	return status;
}

/* ---------------------------------------------------------------- matching */

struct matcher {
	const struct onnx_model *model;
	const struct plan *plan;
	const quire_model *file;
	struct contents *contents;
	struct sources sources; /* of the file */
	struct undone *undone;	/* of the item that is being matched, or NULL */
	quire_error *error;
};

static quire_status fail_memory(const struct matcher *in)
{
	return quire_fail(in->error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory");
}

static quire_status add(struct matcher *in, const struct onnx_value *value,
			enum content_kind kind, const struct plan_item *item,
			const quire_tensor *tensor)
{
	struct contents *contents = in->contents;

	if (!value)
		return QUIRE_OK;

	struct content *items = quire_grow(contents->items, &contents->capacity,
					   contents->count, sizeof(*items));

	if (!items)
		return fail_memory(in);
	contents->items = items;
	items[contents->count++] =
	    (struct content){ (size_t)(value - in->model->values), kind, item,
			      tensor, in->undone };
	return QUIRE_OK;
}

static quire_status fail_item(const struct matcher *in,
			      const struct plan_item *item, quire_status status,
			      const char *what)
{
	const struct weight *weight = item->weight;

	if (item->kind != PLAN_WEIGHT)
		return quire_fail(in->error, status, QUIRE_NO_OFFSET,
				  "constant '%s': %s", item->value->name, what);
	return quire_fail(in->error, status, QUIRE_NO_OFFSET,
			  "node '%s' (%s): %s", quire_onnx_label(weight->node),
			  weight->node->op_type, what);
}

/* Whether the scales of a weight are those of its bias, too. The bias in the
 * container is its product with them before they were rounded. */
static bool scales_bias(const struct weight *weight)
{
	const struct weight_intent *intent = &weight->intent;

	return intent->bias && intent->bias_scales[1].value &&
	       intent->bias_scales[1].value == weight->storage.scales.value;
}

/* Adds the constants of a weight: codes and scales from the tensor, if they are
 * rewritten; the others as they are. */
static quire_status add_constants(struct matcher *in,
				  const struct plan_item *item,
				  const quire_tensor *tensor, bool rewritten)
{
	const struct weight *weight = item->weight;
	const enum content_kind codes =
	    rewritten ? CONTENT_CODES : CONTENT_SOURCE;
	const enum content_kind scales = !rewritten	       ? CONTENT_SOURCE
					 : scales_bias(weight) ? CONTENT_KEPT
							       : CONTENT_SCALES;
	quire_status status =
	    add(in, weight->storage.codes.value, codes, item, tensor);

	if (status == QUIRE_OK)
		status =
		    add(in, weight->storage.scales.value, scales, item, tensor);
	if (status == QUIRE_OK)
		status = add(in, weight->storage.zero_points.value,
			     CONTENT_SOURCE, item, tensor);
	return status == QUIRE_OK ? add(in, weight->storage.g_idx.value,
					CONTENT_SOURCE, item, tensor)
				  : status;
}

static bool is_dense_type(quire_dtype dtype)
{
	return dtype == QUIRE_F32 || dtype == QUIRE_F16 || dtype == QUIRE_BF16;
}

/* A tensor of the type that the converter would make is written back into the
 * node. Any other one must hold the same numbers; then the node stays. */
static quire_status match_weight(struct matcher *in,
				 const struct plan_item *item,
				 const quire_tensor *tensor)
{
	const bool rewritten = quire_export_is_block_type(tensor->dtype) &&
			       tensor->dtype == item->dtype &&
			       !item->weight->value.codebook;
	bool same = false;
	quire_status status = QUIRE_OK;

	if (!rewritten) {
		status = is_same(item->weight, tensor, &same, in->error);
		if (status == QUIRE_OK && !same)
			status = fail_item(
			    in, item, QUIRE_ERROR_UNSUPPORTED,
			    "the node cannot hold its tensor's type, and the "
			    "tensor has other numbers than the node");
	}
	if (status == QUIRE_OK)
		status = add_constants(in, item, tensor, rewritten);
	in->contents->weights += rewritten;
	in->contents->kept += !rewritten;
	return status;
}

/* Whether a constant in the model's own file has the bytes of its tensor. */
static quire_status compare_bytes(const struct matcher *in,
				  const struct onnx_value *value,
				  const quire_tensor *tensor, bool *same)
{
	const size_t most =
	    value->size < PIECE_SIZE ? (size_t)value->size : PIECE_SIZE;
	const unsigned char *bytes = tensor->data;
	unsigned char *piece = malloc(most + 1);
	quire_status status = QUIRE_OK;
	uint64_t at = 0;

	if (!piece)
		return fail_memory(in);
	*same = true;
	while (at < value->size && *same && status == QUIRE_OK) {
		const uint64_t left = value->size - at;
		const size_t size = left < most ? (size_t)left : most;

		status = quire_onnx_read(value, at, piece, size, in->error);
		*same =
		    status == QUIRE_OK && memcmp(piece, bytes + at, size) == 0;
		at += size;
	}
	free(piece);
	return status;
}

static quire_status match_plain(struct matcher *in,
				const struct plan_item *item,
				const quire_tensor *tensor)
{
	const struct onnx_value *value = item->value;
	bool unchanged = tensor->dtype == item->dtype &&
			 !quire_onnx_is_external(in->model, value);
	quire_status status = QUIRE_OK;

	if (!is_dense_type(tensor->dtype))
		return fail_item(in, item, QUIRE_ERROR_LAYOUT,
				 "its tensor is not of a float type");
	if (unchanged)
		status = compare_bytes(in, value, tensor, &unchanged);
	if (status != QUIRE_OK)
		return status;
	in->contents->plain++;
	return add(in, value, unchanged ? CONTENT_SOURCE : CONTENT_PLAIN, item,
		   tensor);
}

/* A bias of INT32 stays, if its tensor has the numbers that it gives. */
static quire_status match_bias(const struct matcher *in,
			       const struct plan_item *item,
			       const quire_tensor *tensor)
{
	unsigned char *wanted = malloc((size_t)item->size + 1);
	quire_status status;

	if (!wanted)
		return fail_memory(in);
	status = quire_bias_dequantize(&item->bias, wanted, in->error);
	if (status == QUIRE_OK &&
	    (tensor->dtype != QUIRE_F32 ||
	     memcmp(wanted, tensor->data, (size_t)item->size) != 0))
		status = fail_item(in, item, QUIRE_ERROR_UNSUPPORTED,
				   "it is a bias in integers, and its tensor "
				   "has other numbers than these times their "
				   "scales");
	free(wanted);
	return status;
}

static quire_status match_item(struct matcher *in, const struct plan_item *item)
{
	const quire_tensor *tensor;
	quire_status status;

	in->undone = NULL;
	if (item->kind == PLAN_LEFT_OUT)
		return QUIRE_OK;
	tensor = quire_sources_take(&in->sources, item->value->name);
	if (!tensor) {
		status = quire_undo_take(&in->contents->undo, item, &in->undone,
					 in->error);
		if (status != QUIRE_OK)
			return status;
	}
	if (in->undone)
		tensor = &in->undone->tensor;
	if (!tensor)
		return item->kind == PLAN_WEIGHT
			   ? fail_item(in, item, QUIRE_ERROR_NOT_FOUND,
				       "the container lacks its "
				       "weight")
			   : QUIRE_OK;
	if (memcmp(tensor->shape, item->shape, sizeof(item->shape)) != 0)
		return fail_item(in, item, QUIRE_ERROR_LAYOUT,
				 "its tensor in the container has another "
				 "shape");
	status = quire_undo_fill(in->undone, in->error);
	if (status != QUIRE_OK)
		return status;
	status = item->kind == PLAN_BIAS     ? match_bias(in, item, tensor)
		 : item->kind == PLAN_WEIGHT ? match_weight(in, item, tensor)
					     : match_plain(in, item, tensor);
	quire_undo_release(in->undone);
	return status;
}

/* Checks k of the linears: the shape of a tensor has padded columns. */
static quire_status check_linears(const struct matcher *in)
{
	for (size_t i = 0; i < in->contents->count; i++) {
		const struct content *content = &in->contents->items[i];

		for (size_t j = 0; content->kind == CONTENT_CODES &&
				   j < quire_model_linear_count(in->file);
		     j++) {
			const quire_linear *linear =
			    quire_model_linear(in->file, j);

			if (linear->weight == content->tensor &&
			    linear->k != content->item->weight->value.k)
				return fail_item(in, content->item,
						 QUIRE_ERROR_LAYOUT,
						 "its linear in the container "
						 "has another k");
		}
	}
	return QUIRE_OK;
}

/* By value; for one value, in the order in which they were found. */
static int compare_contents(const void *left, const void *right)
{
	const struct content *a = left;
	const struct content *b = right;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

quire_status quire_contents_match(const struct onnx_model *model,
				  const struct plan *plan,
				  const quire_model *file,
				  struct contents *contents, quire_error *error)
{
	struct matcher in = { .model = model,
			      .plan = plan,
			      .file = file,
			      .contents = contents,
			      .error = error };

	quire_status status = quire_sources_index(file, &in.sources, error);

	if (status == QUIRE_OK)
		status = quire_undo_index(file, &contents->undo, error);
	for (size_t i = 0; i < plan->item_count && status == QUIRE_OK; i++)
		status = match_item(&in, &plan->items[i]);
	if (status == QUIRE_OK)
		status = quire_sources_check(&in.sources, error);
	if (status == QUIRE_OK)
		status = quire_undo_check(&contents->undo, error);
	if (status == QUIRE_OK)
		status = check_linears(&in);
	if (status == QUIRE_OK && contents->count > 0)
		qsort(contents->items, contents->count,
		      sizeof(*contents->items), compare_contents);
	quire_sources_free(&in.sources);
	return status;
}

void quire_contents_free(struct contents *contents)
{
	quire_undo_free(&contents->undo);
	free(contents->items);
}

const struct content *quire_contents_find(const struct contents *contents,
					  size_t value, size_t *count)
{
	size_t low = 0;
	size_t high = contents->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (contents->items[middle].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	high = low;
	while (high < contents->count && contents->items[high].value == value)
		high++;
	*count = high - low;
	return *count ? &contents->items[low] : NULL;
}
