/*
 * exact.h - exact products in f64, and the error that a Metal kernel may have:
 * the bounds of spec/kernels.md, as code.
 */
#ifndef QUIRE_TESTS_EXACT_H
#define QUIRE_TESTS_EXACT_H

#include "quire.h"

struct exact {
	quire_dtype weights;
	const unsigned char *w; /* rows without gaps */
	size_t m, n, k;
	const void *x;
	quire_dtype x_dtype;
	size_t x_stride;  /* elements */
	const void *bias; /* or NULL */
	quire_dtype bias_dtype;
	/* The result of the CPU's scalar kernels, [m][n] in f32, for another
	 * comparison; or NULL. */
	const float *cpu;
};

enum exact_kernel {
	EXACT_GEMV,
	EXACT_SMALL,
	EXACT_PACKED,
	EXACT_ANY
};

/* Bytes of a row of k columns; its last block is filled up. */
size_t exact_row_size(quire_dtype weights, size_t k);

/* Element `index` of an array of F32, F16 or BF16. */
float exact_load(const void *numbers, quire_dtype dtype, size_t index);
void exact_store(void *numbers, quire_dtype dtype, size_t index, float value);

/* Fails the test, with `what` in the message, unless each y is within the
 * bound. */
void exact_check(const struct exact *product, enum exact_kernel kernel,
		 const void *y, quire_dtype y_dtype, size_t y_stride,
		 const char *what);

#endif
