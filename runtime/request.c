/*
 * request.c - checks the arguments of a product, once: later code relies on
 * them.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/parse.h"
#include "runtime/request.h"

/* The accuracy level that quantizes activations, and the greatest one. */
#define INT8_LEVEL 4

#define FAIL(error, ...)                                                       \
	quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET, __VA_ARGS__)

size_t quire_plain_size(quire_dtype dtype)
{
	return dtype == QUIRE_F16 ? sizeof(uint16_t) : sizeof(float);
}

/* *bytes = the size of `rows` rows of `cols` items; false if memory cannot hold
 * it. */
static bool plain_size(uint64_t rows, uint64_t cols, uint64_t item_size,
		       uint64_t *bytes)
{
	return checked_mul(rows, cols, bytes) &&
	       checked_mul(*bytes, item_size, bytes) && *bytes <= PTRDIFF_MAX;
}

/* For messages: a caller may give any number. */
static const char *name_of(quire_dtype dtype)
{
	const char *name = quire_dtype_name(dtype);

	return name ? name : "unknown";
}

/* The tensor must be a matrix, and have all its bytes. */
static quire_status read_weights(struct request *request,
				 const quire_tensor *tensor, quire_error *error)
{
	uint32_t block_count, block_size;
	uint64_t size;

	if (tensor->rank != 2)
		return FAIL(error,
			    "tensor '%.*s' has %" PRIu32 " dimensions; "
			    "a matrix has 2",
			    QUIRE_PRINT(tensor->name), tensor->rank);
	if (!quire_dtype_block(tensor->dtype, &block_count, &block_size))
		return FAIL(
		    error,
		    "tensor '%.*s' has the type %d, which no tensor can have",
		    QUIRE_PRINT(tensor->name), (int)tensor->dtype);
	if (tensor->shape[0] == 0 || tensor->shape[0] % block_count != 0)
		return FAIL(error,
			    "tensor '%.*s': %" PRIu64 " columns are not a "
			    "multiple of the block of %" PRIu32,
			    QUIRE_PRINT(tensor->name), tensor->shape[0],
			    block_count);
	if (!plain_size(tensor->shape[0] / block_count, tensor->shape[1],
			block_size, &size) ||
	    size != tensor->size || (size > 0 && !tensor->data))
		return FAIL(error,
			    "tensor '%.*s' of shape [%" PRIu64 ", %" PRIu64
			    "] cannot have %" PRIu64 " bytes",
			    QUIRE_PRINT(tensor->name), tensor->shape[0],
			    tensor->shape[1], tensor->size);
	request->weights = tensor->data;
	request->dtype = tensor->dtype;
	request->cols = (size_t)tensor->shape[0];
	request->n = (size_t)tensor->shape[1];
	request->row_size =
	    (size_t)(tensor->shape[0] / block_count * block_size);
	return QUIRE_OK;
}

static quire_status read_k(struct request *request, uint64_t k,
			   quire_error *error)
{
	const uint64_t cols = request->cols;
	uint32_t block_count, block_size;

	quire_dtype_block(request->dtype, &block_count, &block_size);
	if (k == 0)
		k = cols;
	if (k > cols || cols - k >= block_count)
		return FAIL(error,
			    "k = %" PRIu64 " does not fit a weight of %" PRIu64
			    " columns in blocks of %" PRIu32,
			    k, cols, block_count);
	request->k = (size_t)k;
	return QUIRE_OK;
}

/* One of x and y: `rows` rows of `cols` elements, `stride` apart. */
static quire_status read_plain(const char *name, const void *data,
			       quire_dtype dtype, size_t rows, size_t cols,
			       size_t stride, size_t *row_size,
			       quire_error *error)
{
	uint64_t size;

	if (dtype != QUIRE_F32 && dtype != QUIRE_F16)
		return FAIL(error, "%s is of type %s; it can be F32 or F16",
			    name, name_of(dtype));
	if (stride == 0)
		stride = cols;
	if (stride < cols)
		return FAIL(error,
			    "the stride %zu of %s is less than its %zu "
			    "columns",
			    stride, name, cols);
	if (!plain_size(rows, stride, quire_plain_size(dtype), &size))
		return FAIL(error,
			    "%zu rows of %s, %zu elements apart, are "
			    "more than memory can hold",
			    rows, name, stride);
	if (rows > 0 && cols > 0 && !data)
		return FAIL(error, "%s is NULL", name);
	*row_size = stride * quire_plain_size(dtype);
	return QUIRE_OK;
}

static quire_status check_bias(const quire_tensor *bias, size_t n,
			       quire_error *error)
{
	uint64_t size;

	if (bias->dtype != QUIRE_F32 && bias->dtype != QUIRE_F16 &&
	    bias->dtype != QUIRE_BF16)
		return quire_fail(
		    error, QUIRE_ERROR_UNSUPPORTED, QUIRE_NO_OFFSET,
		    "bias '%.*s' is of type %s; it can be F32, "
		    "F16 or BF16",
		    QUIRE_PRINT(bias->name), name_of(bias->dtype));
	if (bias->rank != 1 || bias->shape[0] != n)
		return FAIL(error, "bias '%.*s' is not of shape [%zu]",
			    QUIRE_PRINT(bias->name), n);
	if (!plain_size(1, n,
			bias->dtype == QUIRE_F32 ? sizeof(float)
						 : sizeof(uint16_t),
			&size) ||
	    size != bias->size || (size > 0 && !bias->data))
		return FAIL(error,
			    "bias '%.*s' of shape [%zu] cannot have %" PRIu64
			    " bytes",
			    QUIRE_PRINT(bias->name), n, bias->size);
	return QUIRE_OK;
}

enum compute quire_request_compute(uint32_t accuracy_level)
{
	return accuracy_level == INT8_LEVEL ? COMPUTE_INT8 : COMPUTE_F32;
}

quire_status quire_request_read(struct request *request,
				const quire_tensor *tensor, const void *x,
				size_t m, void *y,
				const quire_matmul_options *options,
				quire_error *error)
{
	quire_status status;

	if (options->accuracy_level > INT8_LEVEL)
		return FAIL(error, "accuracy level %" PRIu32 "; 0 to %d exist",
			    options->accuracy_level, INT8_LEVEL);
	*request = (struct request){
		.m = m,
		.x = x,
		.x_dtype = options->x_dtype,
		.y = y,
		.y_dtype = options->y_dtype,
		.bias = options->bias,
		.compute = quire_request_compute(options->accuracy_level),
	};
	status = read_weights(request, tensor, error);
	if (status != QUIRE_OK)
		return status;
	status = read_k(request, options->k, error);
	if (status != QUIRE_OK)
		return status;
	status = read_plain("x", x, options->x_dtype, m, request->k,
			    options->x_stride, &request->x_row_size, error);
	if (status != QUIRE_OK)
		return status;
	status = read_plain("y", y, options->y_dtype, m, request->n,
			    options->y_stride, &request->y_row_size, error);
	if (status != QUIRE_OK)
		return status;
	return options->bias ? check_bias(options->bias, request->n, error)
			     : QUIRE_OK;
}
