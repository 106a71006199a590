/*
 * matmul.c - the calls that multiply by one matrix: they check their arguments,
 * find the kernels and run the product. gemm.c has the framework, run_many.c
 * the call for several matrices.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "format/parse.h"
#include "loader/lazy.h"
#include "runtime/batch.h"
#include "runtime/gemm.h"
#include "runtime/matmul.h"
#include "runtime/sizes.h"

quire_status quire_matmul_read(struct request *request,
			       const quire_tensor *tensor, const void *x,
			       size_t m, void *y,
			       const quire_matmul_options *options,
			       quire_error *error)
{
	quire_status status =
	    quire_request_read(request, tensor, x, m, y, options, error);

	if (status == QUIRE_OK)
		status = quire_tensor_check(tensor, error);
	if (status == QUIRE_OK && options->bias)
		status = quire_tensor_check(options->bias, error);
	return status;
}

/* The types that are multiplied, "F32, F16, Q4_0", for a message. */
static void list_types(const struct kernel_table *kernels, char *text,
		       size_t size)
{
	size_t length = 0;

	text[0] = 0;
	for (int type = 0; type < QUIRE_DTYPE_LIMIT && length < size; type++)
		if (quire_kernel_table_op(kernels, (quire_dtype)type,
					  COMPUTE_F32))
			length += (size_t)snprintf(
			    text + length, size - length, "%s%s",
			    length ? ", " : "",
			    quire_dtype_name((quire_dtype)type));
}

quire_status quire_matmul_find_op(const quire_runtime *runtime,
				  const struct request *request,
				  const struct kernel_op **op,
				  quire_error *error)
{
	char types[96];

	*op = quire_kernel_table_op(&runtime->kernels, request->dtype,
				    request->compute);
	if (*op)
		return QUIRE_OK;
	list_types(&runtime->kernels, types, sizeof(types));
	return quire_fail(error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
			  "weights of type %s cannot be multiplied; these "
			  "types can: %s",
			  quire_dtype_name(request->dtype), types);
}

static quire_status run(quire_runtime *runtime, const struct request *request,
			const struct kernel_op *op, quire_error *error)
{
	struct gemm gemm;
	struct scratch *scratch;
	quire_status status =
	    quire_gemm_init(&gemm, runtime, request, op, error);

	if (status != QUIRE_OK)
		return status;
	status =
	    quire_scratch_take(&runtime->scratch, gemm.size, &scratch, error);
	if (status != QUIRE_OK)
		return status;
	gemm.scratch = scratch->bytes;
	for (size_t row = 0; row < request->m; row += gemm.rows) {
		quire_gemm_take_chunk(&gemm, row);
		quire_gemm_prepare(&runtime->crew, &gemm);
		quire_gemm_multiply(&runtime->crew, &gemm);
	}
	quire_scratch_give(&runtime->scratch, scratch);
	return QUIRE_OK;
}

quire_status quire_matmul(quire_runtime *runtime, const quire_tensor *tensor,
			  const void *x, size_t m, void *y,
			  const quire_matmul_options *options,
			  quire_error *error)
{
	static const quire_matmul_options defaults;
	const struct kernel_op *op;
	struct request request;
	quire_status status;

	if (!options)
		options = &defaults;
	status = quire_matmul_read(&request, tensor, x, m, y, options, error);
	if (status != QUIRE_OK)
		return status;
	if (m > 0 && request.n > 0 &&
	    quire_device_multiply(runtime, options->batch, &request, &status,
				  error))
		return status;
	status = quire_matmul_find_op(runtime, &request, &op, error);
	if (status != QUIRE_OK || m == 0 || request.n == 0)
		return status;
	return run(runtime, &request, op, error);
}

const char *quire_matmul_form(const quire_runtime *runtime, quire_dtype weights,
			      size_t m, uint32_t accuracy_level)
{
	static const char *const names[] = {
		[FORM_GEMV] = "GEMV",
		[FORM_SMALL] = "small-batch GEMM",
		[FORM_PACKED] = "packed GEMM",
	};
	const struct kernel_op *op = quire_kernel_table_op(
	    &runtime->kernels, weights, quire_request_compute(accuracy_level));
	const struct small_form *small;

	return op ? names[quire_kernel_op_form(op, m, &small)] : NULL;
}

quire_status quire_linear_read(const quire_linear *linear,
			       const quire_matmul_options *options,
			       quire_matmul_options *own, quire_error *error)
{
	if (linear->n != linear->weight->shape[1])
		return quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
				  "linear '%.*s': n = %" PRIu64
				  ", but its weight has %" PRIu64 " rows",
				  QUIRE_PRINT(linear->name), linear->n,
				  linear->weight->shape[1]);
	*own = (quire_matmul_options){ .accuracy_level = 0 };
	if (options)
		*own = *options;
	if (own->accuracy_level == 0)
		own->accuracy_level = linear->accuracy_level;
	own->k = linear->k;
	own->bias = linear->bias;
	return QUIRE_OK;
}

quire_status quire_linear_run(quire_runtime *runtime,
			      const quire_linear *linear, const void *x,
			      size_t m, void *y,
			      const quire_matmul_options *options,
			      quire_error *error)
{
	quire_matmul_options own;
	const quire_status status =
	    quire_linear_read(linear, options, &own, error);

	if (status != QUIRE_OK)
		return status;
	return quire_matmul(runtime, linear->weight, x, m, y, &own, error);
}
