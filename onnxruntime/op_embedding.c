/*
 * op_embedding.c - quire.Embedding: rows of a container's tensor by their
 * numbers, decoded to f32 or f16.
 */
#include <fp16.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "onnxruntime/custom_op.h"

struct embedding_kernel {
	struct op_kernel base; /* first */
	const quire_tensor *tensor;
	uint64_t rows;
	uint64_t k;
	bool half; /* f16 output */
};

static void kernel_destroy(void *kernel)
{
	quire_op_kernel_free(kernel);
}

/* ---------------------------------------------------------------- creation */

static quire_status check_sizes(struct embedding_kernel *kernel, int64_t rows,
				int64_t k, quire_error *error)
{
	const quire_tensor *tensor = kernel->tensor;
	uint32_t block_count = 1;
	uint32_t block_size;

	quire_dtype_block(tensor->dtype, &block_count, &block_size);
	kernel->rows = tensor->shape[1] * tensor->shape[2] * tensor->shape[3];
	if (rows >= 0 && k > 0 && (uint64_t)rows == kernel->rows &&
	    (uint64_t)k <= tensor->shape[0] &&
	    tensor->shape[0] - (uint64_t)k < block_count) {
		kernel->k = (uint64_t)k;
		return QUIRE_OK;
	}
	return quire_fail_file(
	    error, QUIRE_ERROR_LAYOUT,
	    quire_ort_container_path(kernel->base.container), QUIRE_NO_OFFSET,
	    "tensor '%.*s' has %" PRIu64 " rows of %" PRIu64
	    "; the node has rows = %" PRId64 " and K = %" PRId64,
	    (int)tensor->name.size, tensor->name.data, kernel->rows,
	    tensor->shape[0], rows, k);
}

static quire_status read_attributes(struct embedding_kernel *kernel,
				    const struct custom_op *op,
				    const OrtKernelInfo *info,
				    quire_error *error)
{
	const int64_t rows = quire_op_int(op->api, info, "rows", -1);
	const int64_t k = quire_op_int(op->api, info, "K", -1);
	const int64_t type = quire_op_int(op->api, info, "dtype", -1);
	char *name = quire_ort_string(op->api, info, "tensor");
	quire_status status;

	if (!name)
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "attribute 'tensor' is absent");
	kernel->half = op->output == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
	kernel->tensor = quire_model_find_tensor(
	    quire_ort_container_model(kernel->base.container), name);
	if (type != (int64_t)op->output)
		status =
		    quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			       "its output has the element type %u, and "
			       "attribute 'dtype' is %" PRId64,
			       op->output, type);
	else if (!kernel->tensor)
		status = quire_fail_file(
		    error, QUIRE_ERROR_NOT_FOUND,
		    quire_ort_container_path(kernel->base.container),
		    QUIRE_NO_OFFSET, "there is no tensor '%.120s'", name);
	else
		status = check_sizes(kernel, rows, k, error);
	free(name);
	return status;
}

static OrtStatus *kernel_create(const OrtCustomOp *base, const OrtApi *api,
				const OrtKernelInfo *info, void **created)
{
	const struct custom_op *op = (const struct custom_op *)base;
	struct embedding_kernel *kernel;
	void *made;
	quire_error error = { 0 };
	OrtStatus *failure =
	    quire_op_kernel_make(op, info, sizeof(*kernel), &made);

	if (failure)
		return failure;
	kernel = made;
	if (read_attributes(kernel, op, info, &error) == QUIRE_OK) {
		*created = kernel;
		return NULL;
	}
	failure = quire_ort_failure(api, kernel->base.node, &error);
	kernel_destroy(kernel);
	return failure;
}

/* ----------------------------------------------------------------- compute */

static int64_t index_at(const void *indices, ONNXTensorElementDataType type,
			size_t i)
{
	if (type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32)
		return ((const int32_t *)indices)[i];
	return ((const int64_t *)indices)[i];
}

/* One row into the output at `y`. `row` has room for it in f32, if the output
 * is f16. */
static quire_status decode(const struct embedding_kernel *kernel,
			   uint64_t number, float *row, void *y,
			   quire_error *error)
{
	uint16_t *halves = y;
	const quire_status status =
	    quire_tensor_decode(kernel->tensor, number, 1, kernel->k,
				kernel->half ? row : y, error);

	if (status == QUIRE_OK && kernel->half)
		for (uint64_t i = 0; i < kernel->k; i++)
			halves[i] = fp16_ieee_from_fp32_value(row[i]);
	return status;
}

static OrtStatus *look_up(const struct embedding_kernel *kernel,
			  const void *indices, ONNXTensorElementDataType type,
			  size_t count, void *y)
{
	const size_t size = kernel->half ? sizeof(uint16_t) : sizeof(float);
	float *row = NULL;
	OrtStatus *failure = NULL;
	quire_error error = { 0 };

	if (kernel->half) {
		row = calloc((size_t)kernel->k, sizeof(*row));
		if (!row)
			return quire_ort_status(kernel->base.api, ORT_FAIL,
						"node '%s': out of memory",
						kernel->base.node);
	}
	for (size_t i = 0; i < count && !failure; i++) {
		const int64_t index = index_at(indices, type, i);
		const uint64_t number = index < 0
					    ? kernel->rows + (uint64_t)index
					    : (uint64_t)index;

		/* A negative index that is too low wraps to a large one. */
		if (number >= kernel->rows)
			failure = quire_ort_status(
			    kernel->base.api, ORT_INVALID_ARGUMENT,
			    "node '%s': index %lld of %llu rows",
			    kernel->base.node, (long long)index,
			    (unsigned long long)kernel->rows);
		else if (decode(kernel, number, row,
				(unsigned char *)y + i * kernel->k * size,
				&error) != QUIRE_OK)
			failure = quire_ort_failure(kernel->base.api,
						    kernel->base.node, &error);
	}
	free(row);
	return failure;
}

static OrtStatus *compute(const struct embedding_kernel *kernel,
			  OrtKernelContext *context, const OrtValue *indices,
			  struct ort_shape *shape)
{
	const OrtApi *api = kernel->base.api;
	const void *data = NULL;
	OrtValue *value = NULL;
	OrtStatus *status;
	uint64_t count = 1;
	void *y;

	for (size_t i = 0; i < shape->rank; i++)
		if (shape->dims[i] < 0 ||
		    !checked_mul(count, (uint64_t)shape->dims[i], &count))
			return quire_ort_status(api, ORT_INVALID_ARGUMENT,
						"node '%s': too many indices",
						kernel->base.node);
	shape->dims[shape->rank] = (int64_t)kernel->k;
	status = api->KernelContext_GetOutput(context, 0, shape->dims,
					      shape->rank + 1, &value);
	if (!status)
		status = quire_ort_data(api, indices, &data);
	if (!status)
		status = api->GetTensorMutableData(value, &y);
	if (status || count == 0)
		return status;
	return look_up(kernel, data, shape->type, (size_t)count, y);
}

static OrtStatus *kernel_compute(void *data, OrtKernelContext *context)
{
	const struct embedding_kernel *kernel = data;
	const OrtValue *indices = NULL;
	struct ort_shape shape;
	OrtStatus *status =
	    kernel->base.api->KernelContext_GetInput(context, 0, &indices);

	if (!status)
		status =
		    quire_ort_shape_read(kernel->base.api, indices, &shape);
	if (status)
		return status;
	status = compute(kernel, context, indices, &shape);
	quire_ort_shape_free(&shape);
	return status;
}

/* ------------------------------------------------------------------ the op */

static OrtStatus *infer(const OrtCustomOp *base, OrtShapeInferContext *context)
{
	const OrtApi *api = ((const struct custom_op *)base)->api;
	static const char *const names[] = { "K", "dtype" };
	struct input_shape shape;
	int64_t values[2];

	for (int i = 0; i < 2; i++) {
		const OrtOpAttr *attribute = NULL;
		size_t used;

		if (!quire_ort_ignore(api,
				      api->ShapeInferContext_GetAttribute(
					  context, names[i], &attribute)) ||
		    !quire_ort_ignore(
			api,
			api->ReadOpAttr(attribute, ORT_OP_ATTR_INT, &values[i],
					sizeof(values[i]), &used)))
			return NULL;
	}
	if (!quire_op_input_shape(api, context, &shape))
		return NULL;
	quire_op_output_shape(api, context, &shape, 0,
			      (ONNXTensorElementDataType)values[1], values[0],
			      true);
	quire_op_input_shape_free(&shape);
	return NULL;
}

static const char *name_embedding(const OrtCustomOp *op)
{
	(void)op;
	return "Embedding";
}

void quire_op_embedding(OrtCustomOp *base)
{
	base->GetName = name_embedding;
	base->CreateKernelV2 = kernel_create;
	base->KernelComputeV2 = kernel_compute;
	base->KernelDestroy = kernel_destroy;
	base->InferOutputShapeFn = infer;
}
