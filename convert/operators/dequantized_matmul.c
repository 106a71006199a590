/*
 * dequantized_matmul.c - the weight of a node that multiplies by a matrix that
 * comes from a DequantizeLinear, itself or through wrappers and transpositions.
 * Only such a weight has a linear, and the container need not keep its shape.
 */
#include "convert/operators/dequantize.h"
#include "convert/operators/product.h"

/* The nodes between a DequantizeLinear and B, the last one first. */
struct path {
	const struct onnx_node *steps[QUIRE_WRAPPERS_MAX];
	size_t count;
	const struct onnx_node *source;
};

static bool swaps_two(const struct onnx_node *node)
{
	const struct onnx_attribute *perm = quire_onnx_attribute(node, "perm");

	return !perm || (perm->is_ints && perm->int_count == 2 &&
			 perm->ints[0] == 1 && perm->ints[1] == 0);
}

static bool is_transpose(const struct onnx_node *node)
{
	return quire_onnx_is(node, "Transpose") && swaps_two(node);
}

/* Whether B of a node comes from a DequantizeLinear. */
static bool find_path(const struct onnx_model *model,
		      const struct onnx_node *node, struct path *path)
{
	const struct onnx_node *at = node;
	size_t input = 1;

	for (path->count = 0; input < at->input_count; input = 0) {
		const struct onnx_value *value =
		    quire_onnx_find(model, at->scope, at->inputs[input]);

		at = quire_onnx_producer(model, value);
		path->source = at;
		if (!at || quire_dequantize_is(at))
			return at != NULL;
		if ((!is_transpose(at) && !quire_wrapper_of(model, value)) ||
		    path->count == QUIRE_WRAPPERS_MAX)
			return false;
		path->steps[path->count++] = at;
	}
	return false;
}

static bool is_product(const struct onnx_model *model,
		       const struct onnx_node *node)
{
	struct path path;

	return quire_product_is(node) && find_path(model, node, &path) &&
	       quire_dequantize_holds_weight(model, path.source);
}

/* What the steps of a path make of x. */
struct view {
	bool swapped;
	int32_t type;	  /* of the last Cast; 0: none */
	uint64_t dims[2]; /* before it is swapped */
	bool reshaped;
	const char *note; /* why B is not such a matrix, or NULL */
};

static quire_status follow(const struct node_check *source,
			   const struct path *path, struct view *view)
{
	struct node_operand at;
	quire_status status = quire_dequantize_x(source, &at);
	const struct node_operand x = at;

	*view = (struct view){ .swapped = false };
	for (size_t i = path->count; i-- > 0 && status == QUIRE_OK;) {
		const struct onnx_node *step = path->steps[i];
		const struct node_operand before = at;

		view->type = quire_wrapper_type(step, view->type);
		if (quire_onnx_is(step, "Transpose") && at.rank == 2) {
			view->swapped = !view->swapped;
			at.dims[0] = before.dims[1];
			at.dims[1] = before.dims[0];
		} else if (quire_onnx_is(step, "Transpose")) {
			view->note = "a Transpose of other than two dimensions "
				     "is before B, so there is no linear";
		} else if (quire_onnx_is(step, "Reshape")) {
			status = quire_node_reshape(source, step, &at);
			if (view->swapped &&
			    (at.rank != 2 || at.dims[0] != before.dims[0] ||
			     at.dims[1] != before.dims[1]))
				view->note = "a Reshape after a Transpose is "
					     "before B, so there is no linear";
		}
	}
	if (status != QUIRE_OK)
		return status;
	if (at.rank != 2 && !view->note)
		view->note = "B is not a matrix, so there is no linear";
	if (view->note)
		return QUIRE_OK;
	view->dims[0] = (uint64_t)at.dims[view->swapped];
	view->dims[1] = (uint64_t)at.dims[!view->swapped];
	view->reshaped = x.rank != 2 || (uint64_t)x.dims[0] != view->dims[0] ||
			 (uint64_t)x.dims[1] != view->dims[1];
	return QUIRE_OK;
}

/* The weight as the tensor x. */
static quire_status read_tensor(const struct node_check *source,
				const char *note, struct weight *weight)
{
	weight->intent.no_padding = true;
	weight->intent.note = note;
	return quire_dequantize_read(source, DEQUANTIZE_TENSOR, NULL, weight);
}

/* The weight as a matrix, or if its scales do not allow that as a tensor. */
static quire_status read_matrix(const struct node_check *source,
				enum dequantize_form form,
				const struct view *view, struct weight *weight)
{
	const struct weight empty = *weight;
	const uint64_t *dims = view->reshaped ? view->dims : NULL;
	const quire_status status =
	    quire_dequantize_read(source, form, dims, weight);

	if (!view->reshaped || status != QUIRE_ERROR_UNSUPPORTED)
		return status;
	*weight = empty;
	return read_tensor(source,
			   "a Reshape before B moves its scales, so there is "
			   "no linear",
			   weight);
}

static quire_status read_node(const struct onnx_model *model,
			      const struct onnx_node *node, size_t index,
			      struct weight *weight, quire_error *error)
{
	struct product product = quire_product_read(model, node);
	struct weight read = { .node = node };
	struct node_check source = { .model = model, .error = error };
	struct path path;
	struct view view;
	quire_status status;

	(void)index;
	(void)find_path(model, node, &path);
	source.node = path.source;
	status = follow(&source, &path, &view);
	if (status != QUIRE_OK)
		return status;
	/* B is [K, N], and W has a row for each of N. */
	if (product.is_other)
		status = read_tensor(&source, product.note, &read);
	else if (view.note)
		status = read_tensor(&source, view.note, &read);
	else
		status = read_matrix(&source,
				     view.swapped == product.by_rows
					 ? DEQUANTIZE_TRANSPOSED
					 : DEQUANTIZE_MATRIX,
				     &view, &read);
	if (status != QUIRE_OK)
		return status;
	quire_product_check_bias(read.value.n, &product);
	if (!read.intent.note) {
		read.intent.note = product.note;
		read.intent.bias = product.bias;
		read.intent.bias_scales[0] = product.bias_scale;
		if (product.bias)
			read.intent.bias_scale_use = product.bias_scale_use;
	}
	if (view.type != 0)
		read.intent.type = view.type;
	read.intent.no_linear = read.intent.note != NULL;
	*weight = read;
	return QUIRE_OK;
}

const struct weight_operator quire_operator_dequantized_matmul = {
	.is = is_product,
	.read = read_node,
};
