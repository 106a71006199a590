/*
 * op_linear.c - quire.Linear and quire.LinearMany: products of one x by one or
 * several linears of a container.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "onnxruntime/custom_op.h"

/* Names in LinearMany's attribute are separated by this, which no name in a
 * container has. */
#define SEPARATOR '\n'

struct linear_kernel {
	struct op_kernel base; /* first */
	struct ort_product product;
	const quire_linear **linears;
	quire_linear *plain; /* copies without bias; NULL: it is added */
};

static void kernel_destroy(void *data)
{
	struct linear_kernel *kernel = data;

	free(kernel->linears);
	free(kernel->plain);
	quire_op_kernel_free(&kernel->base);
}

static OrtStatus *kernel_compute(void *data, OrtKernelContext *context)
{
	const struct linear_kernel *kernel = data;

	return quire_ort_multiply(&kernel->product, context);
}

/* -------------------------------------------------------------- attributes */

/* The sizes that the graph was made for must be the container's. */
static quire_status check_sizes(const struct linear_kernel *kernel,
				const quire_linear *linear, int64_t k,
				int64_t n, quire_error *error)
{
	if (k >= 0 && n >= 0 && (uint64_t)k == linear->k &&
	    (uint64_t)n == linear->n)
		return QUIRE_OK;
	return quire_fail_file(
	    error, QUIRE_ERROR_LAYOUT,
	    quire_ort_container_path(kernel->base.container), QUIRE_NO_OFFSET,
	    "linear '%.80s' has K = %" PRIu64 " and N = %" PRIu64
	    "; the node has K = %" PRId64 " and N = %" PRId64,
	    linear->name.data, linear->k, linear->n, k, n);
}

static quire_status find_linear(struct linear_kernel *kernel, const char *name,
				int64_t k, int64_t n, quire_error *error)
{
	const quire_linear *linear = quire_model_find_linear(
	    quire_ort_container_model(kernel->base.container), name);

	if (!linear)
		return quire_fail_file(
		    error, QUIRE_ERROR_NOT_FOUND,
		    quire_ort_container_path(kernel->base.container),
		    QUIRE_NO_OFFSET, "there is no linear '%.120s'", name);
	kernel->linears[kernel->product.count] = linear;
	if (kernel->plain) {
		quire_linear *plain = &kernel->plain[kernel->product.count];

		*plain = *linear;
		plain->bias = NULL;
		kernel->linears[kernel->product.count] = plain;
	}
	kernel->product.count++;
	return check_sizes(kernel, linear, k, n, error);
}

/* Finds the linears of names that are separated in `names`, which this
 * changes. n has a number for each of `count`. */
static quire_status find_linears(struct linear_kernel *kernel, char *names,
				 int64_t k, const int64_t *n, size_t count,
				 bool add_bias, quire_error *error)
{
	size_t found = 1;
	quire_status status = QUIRE_OK;

	assert(n);
	for (const char *c = names; *c; c++)
		found += *c == SEPARATOR;
	if (found != count)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "it names %zu linears, has %zu values of N "
				  "and as many outputs",
				  found, count);
	kernel->linears = calloc(count, sizeof(*kernel->linears));
	if (!add_bias)
		kernel->plain = calloc(count, sizeof(*kernel->plain));
	if (!kernel->linears || (!add_bias && !kernel->plain))
		return quire_fail_memory(error, count * sizeof(quire_linear));
	for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
		char *end;

		assert(names); /* there are `count` */
		end = strchr(names, SEPARATOR);
		if (end)
			*end++ = '\0';
		status = find_linear(kernel, names, k, n[i], error);
		names = end;
	}
	return status;
}

/* N of each output, to be freed, and their number. */
static quire_status read_n(const OrtApi *api, const OrtKernelInfo *info,
			   bool many, int64_t **n, size_t *count,
			   quire_error *error)
{
	size_t outputs = 0;
	int64_t *values;
	bool read;

	quire_ort_ignore(api, api->KernelInfo_GetOutputCount(info, &outputs));
	*count = outputs;
	values = calloc(outputs + 1, sizeof(*values));
	if (!values)
		return quire_fail_memory(error, outputs * sizeof(*values));
	read = quire_ort_ignore(
	    api, many ? api->KernelInfoGetAttributeArray_int64(info, "N",
							       values, count)
		      : api->KernelInfoGetAttribute_int64(info, "N", values));
	if (read && *count == outputs && outputs > 0) {
		*n = values;
		return QUIRE_OK;
	}
	free(values);
	return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			  "attribute 'N' is absent or has not one value for "
			  "each of its %zu outputs",
			  outputs);
}

static quire_status read_attributes(struct linear_kernel *kernel,
				    const OrtKernelInfo *info, bool many,
				    quire_error *error)
{
	const OrtApi *api = kernel->product.api;
	const char *attribute = many ? "linears" : "linear";
	const int64_t level = quire_op_int(api, info, "accuracy_level", -1);
	char *names = quire_ort_string(api, info, attribute);
	int64_t *n = NULL;
	size_t count;
	quire_status status;

	if (!names)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "attribute '%s' is absent", attribute);
	status = read_n(api, info, many, &n, &count, error);
	if (status == QUIRE_OK && (level < -1 || level > 4))
		status = quire_fail(
		    error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
		    "accuracy_level is %" PRId64 "; it may be -1 to 4", level);
	if (status == QUIRE_OK)
		status = find_linears(
		    kernel, names, quire_op_int(api, info, "K", -1), n, count,
		    quire_op_int(api, info, "add_bias", 1), error);
	kernel->product.accuracy_level = quire_ort_level(level);
	free(n);
	free(names);
	return status;
}

/* ---------------------------------------------------------------- creation */

static OrtStatus *create(const OrtCustomOp *base, const OrtApi *api,
			 const OrtKernelInfo *info, bool many, void **created)
{
	const struct custom_op *op = (const struct custom_op *)base;
	struct linear_kernel *kernel;
	void *made;
	quire_error error = { 0 };
	OrtStatus *failure =
	    quire_op_kernel_make(op, info, sizeof(*kernel), &made);

	if (failure)
		return failure;
	kernel = made;
	kernel->product.api = api;
	kernel->product.node = kernel->base.node;
	if (read_attributes(kernel, info, many, &error) == QUIRE_OK) {
		kernel->product.linears = kernel->linears;
		*created = kernel;
		return NULL;
	}
	failure = quire_ort_failure(api, kernel->base.node, &error);
	kernel_destroy(kernel);
	return failure;
}

static OrtStatus *create_linear(const OrtCustomOp *base, const OrtApi *api,
				const OrtKernelInfo *info, void **kernel)
{
	return create(base, api, info, false, kernel);
}

static OrtStatus *create_linear_many(const OrtCustomOp *base, const OrtApi *api,
				     const OrtKernelInfo *info, void **kernel)
{
	return create(base, api, info, true, kernel);
}

/* ------------------------------------------------------------------ shapes */

static OrtStatus *infer_linear(const OrtCustomOp *base,
			       OrtShapeInferContext *context)
{
	const OrtApi *api = ((const struct custom_op *)base)->api;
	const OrtOpAttr *attribute = NULL;
	struct input_shape shape;
	int64_t n;
	size_t used;

	if (!quire_ort_ignore(api, api->ShapeInferContext_GetAttribute(
				       context, "N", &attribute)) ||
	    !quire_ort_ignore(api, api->ReadOpAttr(attribute, ORT_OP_ATTR_INT,
						   &n, sizeof(n), &used)) ||
	    !quire_op_input_shape(api, context, &shape))
		return NULL;
	quire_op_output_shape(api, context, &shape, 0, shape.type, n, false);
	quire_op_input_shape_free(&shape);
	return NULL;
}

static OrtStatus *infer_linear_many(const OrtCustomOp *base,
				    OrtShapeInferContext *context)
{
	const OrtApi *api = ((const struct custom_op *)base)->api;
	const OrtOpAttr *attribute = NULL;
	struct input_shape shape;
	size_t size = 0;
	int64_t *n;

	if (!quire_ort_ignore(api, api->ShapeInferContext_GetAttribute(
				       context, "N", &attribute)))
		return NULL;
	/* It fails for the missing room, and says how much is missing. */
	quire_ort_ignore(
	    api, api->ReadOpAttr(attribute, ORT_OP_ATTR_INTS, NULL, 0, &size));
	n = calloc(size / sizeof(*n) + 1, sizeof(*n));
	if (n &&
	    quire_ort_ignore(api, api->ReadOpAttr(attribute, ORT_OP_ATTR_INTS,
						  n, size, &size)) &&
	    quire_op_input_shape(api, context, &shape)) {
		for (size_t i = 0; i < size / sizeof(*n); i++)
			quire_op_output_shape(api, context, &shape, i,
					      shape.type, n[i], false);
		quire_op_input_shape_free(&shape);
	}
	free(n);
	return NULL;
}

/* --------------------------------------------------------------------- ops */

static const char *name_linear(const OrtCustomOp *op)
{
	(void)op;
	return "Linear";
}

static const char *name_linear_many(const OrtCustomOp *op)
{
	(void)op;
	return "LinearMany";
}

static OrtCustomOpInputOutputCharacteristic variadic(const OrtCustomOp *op,
						     size_t index)
{
	(void)op;
	(void)index;
	return INPUT_OUTPUT_VARIADIC;
}

void quire_op_linear(OrtCustomOp *base)
{
	base->GetName = name_linear;
	base->CreateKernelV2 = create_linear;
	base->KernelComputeV2 = kernel_compute;
	base->KernelDestroy = kernel_destroy;
	base->InferOutputShapeFn = infer_linear;
}

void quire_op_linear_many(OrtCustomOp *base)
{
	quire_op_linear(base);
	base->GetName = name_linear_many;
	base->CreateKernelV2 = create_linear_many;
	base->InferOutputShapeFn = infer_linear_many;
	base->GetOutputCharacteristic = variadic;
}
