/*
 * product.h - one product y = x W^T + bias in guarded memory, its exact result
 * in f64, and the error that spec/kernels.md allows.
 */
#ifndef QUIRE_TESTS_PRODUCT_H
#define QUIRE_TESTS_PRODUCT_H

#include "quire.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"

#define PRODUCT_NO_BIAS -1

struct product {
	/* The caller sets these. Zeros mean f32 and rows without gaps. */
	quire_dtype weights;
	size_t m, n, k;
	uint32_t level;
	quire_dtype x_dtype, y_dtype;
	size_t x_stride, y_stride;
	int bias_dtype;	 /* PRODUCT_NO_BIAS: none */
	size_t odd_size; /* bytes by which W is off its alignment */

	/* product_create sets these. */
	struct guarded x, y, w, bias;
	quire_tensor weight, bias_tensor;
	quire_matmul_options options;
};

/*
 * Fills the memory with random numbers: x from -1 to 1, weights of about the
 * same size, and codes other than zero in the padding of W. Between rows of x
 * lies NaN, between rows of y a pattern.
 */
void product_create(struct product *product, struct rng *rng);
void product_free(struct product *product);

/* One element of x, to read or to write (f16 is rounded). */
float product_x(const struct product *product, size_t row, size_t col);
void product_set_x(struct product *product, size_t row, size_t col,
		   float value);

/* A runtime of one kernel set (NULL: the fastest), to be freed, whose products
 * have all its threads. Fails the test if there is none. */
quire_runtime *product_runtime(const char *kernels, uint32_t threads);

/* Products of the runtime have all its threads, though the machine has fewer
 * CPUs or other programs use them. */
void product_use_all_threads(quire_runtime *runtime);

/* Multiplies; fails the test if that fails. */
void product_run(struct product *product, quire_runtime *runtime);

/* Fails the test unless each y is within the bound of spec/kernels.md and the
 * gaps between rows of y are unchanged. */
void product_check(const struct product *product);

/* The norm of y - exact and the norm of exact, over all y. `exact` is the f64
 * product of x before any quantization. */
void product_norms(const struct product *product, double *error, double *norm);

#endif
