/*
 * matmul.h - what the calls that multiply have in common: they read and check
 * their arguments, and find the kernels.
 */
#ifndef QUIRE_RUNTIME_MATMUL_H
#define QUIRE_RUNTIME_MATMUL_H

#include "runtime/request.h"
#include "runtime/runtime.h"

/* *request = the product of these arguments. Checks all of them, and the
 * checksums of tensors that are verified on first use. */
quire_status quire_matmul_read(struct request *request,
			       const quire_tensor *tensor, const void *x,
			       size_t m, void *y,
			       const quire_matmul_options *options,
			       quire_error *error);

/* *op = the runtime's kernels for the request; else UNSUPPORTED. */
quire_status quire_matmul_find_op(const quire_runtime *runtime,
				  const struct request *request,
				  const struct kernel_op **op,
				  quire_error *error);

/* *own = the options of a product by `linear`. `options` are the caller's, or
 * NULL. */
quire_status quire_linear_read(const quire_linear *linear,
			       const quire_matmul_options *options,
			       quire_matmul_options *own, quire_error *error);

#endif
