/*
 * request.h - one product that was asked for, checked and filled in: nothing
 * in it is left to a default, and no size in it overflows.
 */
#ifndef QUIRE_RUNTIME_REQUEST_H
#define QUIRE_RUNTIME_REQUEST_H

#include "runtime/kernel_set.h"

struct request {
	const unsigned char *weights;
	quire_dtype dtype; /* of the weights */
	size_t row_size;   /* bytes of a row of the weights */
	size_t cols;	   /* of the weights: k, or k padded to a block */
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

/* Fills in *request from the arguments of quire_matmul, or fails with
 * ARGUMENT or UNSUPPORTED. The arguments must outlive it. */
quire_status quire_request_read(struct request *request,
				const quire_tensor *tensor, const void *x,
				size_t m, void *y,
				const quire_matmul_options *options,
				quire_error *error);

/* Bytes of an element of x or y: F32 or F16. */
size_t quire_plain_size(quire_dtype dtype);

#endif
