/*
 * request.h - the arguments of a product after they were checked: it has no
 * default values left, and no size in it overflows.
 */
#ifndef QUIRE_RUNTIME_REQUEST_H
#define QUIRE_RUNTIME_REQUEST_H

#include "runtime/kernel_set.h"

struct request {
	const unsigned char *weights;
	quire_dtype dtype; /* of the weights */
	size_t row_size;   /* bytes of a row of the weights */
	size_t cols;	   /* of the weights: k, padded to whole blocks */
	size_t n, k, m;
	const unsigned char *x;
	quire_dtype x_dtype;
	size_t x_row_size; /* bytes from row to row */
	unsigned char *y;
	quire_dtype y_dtype;
	size_t y_row_size;
	const quire_tensor *bias; /* or NULL */
	enum compute compute;
};

/* *request = the product of the arguments of quire_matmul, which must outlive
 * it. Fails with ARGUMENT or UNSUPPORTED. */
quire_status quire_request_read(struct request *request,
				const quire_tensor *tensor, const void *x,
				size_t m, void *y,
				const quire_matmul_options *options,
				quire_error *error);

/* How an accuracy level, at most 4, computes. */
enum compute quire_request_compute(uint32_t accuracy_level);

/* Bytes of an element of x or y, which is F32 or F16. */
size_t quire_plain_size(quire_dtype dtype);

#endif
