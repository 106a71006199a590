/*
 * product.c - products of a kernel's input by linears. The runtime has no
 * threads: it borrows those of the session whose kernel is running, which it
 * finds in a variable of the calling thread.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "onnxruntime/plugin.h"

/* The kernel that is running on this thread. */
static _Thread_local struct {
	const OrtApi *api;
	const OrtKernelContext *context;
} caller;

static void parallel_for(void *pool, quire_task_fn task, void *context,
			 size_t count)
{
	(void)pool;
	/* One call of `task` is not worth a hand-over, and 0 batches hand over
	 * each call by itself. It fails before the first call or never. */
	if (count > 1 &&
	    quire_ort_ignore(caller.api,
			     caller.api->KernelContext_ParallelFor(
				 caller.context, task, count, 0, context)))
		return;
	for (size_t i = 0; i < count; i++)
		task(context, i);
}

uint32_t quire_ort_level(int64_t accuracy_level)
{
	/* 0 is f32, as 1 is; for a product it would mean the linear's. */
	if (accuracy_level < 0)
		return 0;
	return accuracy_level == 0 ? 1 : (uint32_t)accuracy_level;
}

/* Rows of x: the product of all dimensions but the last one. */
static OrtStatus *count_rows(const struct ort_product *product,
			     const struct ort_shape *shape, size_t *rows)
{
	const uint64_t k = product->linears[0]->k;
	uint64_t count = 1;

	if (shape->rank == 0)
		return quire_ort_status(product->api, ORT_INVALID_ARGUMENT,
					"node '%s': X is a scalar",
					product->node);
	if (shape->dims[shape->rank - 1] < 0 ||
	    (uint64_t)shape->dims[shape->rank - 1] != k)
		return quire_ort_status(
		    product->api, ORT_INVALID_ARGUMENT,
		    "node '%s': X has %lld columns; the container's linear has "
		    "K = %llu",
		    product->node, (long long)shape->dims[shape->rank - 1],
		    (unsigned long long)k);
	for (size_t i = 0; i + 1 < shape->rank; i++)
		if (shape->dims[i] < 0 ||
		    !checked_mul(count, (uint64_t)shape->dims[i], &count))
			count = UINT64_MAX;
	if (count > SIZE_MAX)
		return quire_ort_status(product->api, ORT_INVALID_ARGUMENT,
					"node '%s': X is too large",
					product->node);
	*rows = (size_t)count;
	return NULL;
}

/* Outputs that the graph asks for, and their linears. */
struct outputs {
	const quire_linear **linears;
	void **y;
	size_t count;
};

static OrtStatus *take_outputs(const struct ort_product *product,
			       OrtKernelContext *context,
			       struct ort_shape *shape, struct outputs *outputs)
{
	const OrtApi *api = product->api;

	for (size_t i = 0; i < product->count; i++) {
		OrtValue *value = NULL;
		OrtStatus *status;

		shape->dims[shape->rank - 1] = (int64_t)product->linears[i]->n;
		status = api->KernelContext_GetOutput(context, i, shape->dims,
						      shape->rank, &value);
		if (status)
			return status;
		if (!value)
			continue; /* an output that nobody reads */
		outputs->linears[outputs->count] = product->linears[i];
		status = api->GetTensorMutableData(
		    value, &outputs->y[outputs->count++]);
		if (status)
			return status;
	}
	return NULL;
}

static OrtStatus *run(const struct ort_product *product,
		      OrtKernelContext *context, const void *x, size_t rows,
		      quire_dtype dtype, const struct outputs *outputs)
{
	const quire_matmul_options options = {
		.x_dtype = dtype,
		.y_dtype = dtype,
		.accuracy_level = product->accuracy_level,
	};
	quire_runtime *runtime;
	quire_error error = { 0 };
	quire_status status = quire_ort_runtime(parallel_for, &runtime, &error);

	if (status == QUIRE_OK) {
		caller.api = product->api;
		caller.context = context;
		status = quire_linear_run_many(runtime, outputs->linears,
					       outputs->count, x, rows,
					       outputs->y, &options, &error);
		caller.context = NULL;
	}
	return status == QUIRE_OK
		   ? NULL
		   : quire_ort_failure(product->api, product->node, &error);
}

static OrtStatus *multiply(const struct ort_product *product,
			   OrtKernelContext *context, const OrtValue *x,
			   struct ort_shape *shape, struct outputs *outputs)
{
	const quire_dtype dtype =
	    shape->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 ? QUIRE_F16
								 : QUIRE_F32;
	const void *data;
	size_t rows = 0;
	OrtStatus *status = count_rows(product, shape, &rows);

	if (!status)
		status = take_outputs(product, context, shape, outputs);
	if (!status)
		status = quire_ort_data(product->api, x, &data);
	if (status || rows == 0 || outputs->count == 0)
		return status;
	return run(product, context, data, rows, dtype, outputs);
}

OrtStatus *quire_ort_multiply(const struct ort_product *product,
			      OrtKernelContext *context)
{
	const quire_linear *linears[4];
	void *y[4];
	struct outputs outputs = { linears, y, 0 };
	const OrtValue *x = NULL;
	struct ort_shape shape;
	OrtStatus *status =
	    product->api->KernelContext_GetInput(context, product->x_input, &x);

	if (!status)
		status = quire_ort_shape_read(product->api, x, &shape);
	if (status)
		return status;
	if (product->count > sizeof(y) / sizeof(y[0])) {
		outputs.linears =
		    calloc(product->count, sizeof(*outputs.linears));
		outputs.y = calloc(product->count, sizeof(*outputs.y));
	}
	if (outputs.linears && outputs.y)
		status = multiply(product, context, x, &shape, &outputs);
	else
		status =
		    quire_ort_status(product->api, ORT_FAIL,
				     "node '%s': out of memory", product->node);
	if (outputs.linears != linears)
		free(outputs.linears);
	if (outputs.y != y)
		free(outputs.y);
	quire_ort_shape_free(&shape);
	return status;
}
