/*
 * rows.h - an array of any number of dimensions as rows: x and y of a product.
 */
#ifndef QUIRE_PYTHON_ROWS_H
#define QUIRE_PYTHON_ROWS_H

#include "core.h"

struct rows {
	Py_buffer view;
	quire_dtype dtype; /* F32 or F16 */
	size_t count;
	size_t stride; /* elements from row to row */
};

/* Reads the buffer of `array`, whose last dimension must be `cols`, without a
 * copy. `name` is for messages: "x" or "out". False: an exception is set. On
 * success the caller releases rows->view. */
bool quire_core_rows(PyObject *array, const char *name, uint64_t cols,
		     bool writable, struct rows *rows);

/* False, with an exception, if `out` has not the shape of x but for the last
 * dimension, or overlaps it. */
bool quire_core_rows_fit(const struct rows *x, const struct rows *out);

/* Whether an element lies in both. */
bool quire_core_rows_overlap(const struct rows *x, const struct rows *y);

/* For products, linear.c: a new array of x's shape but for the last dimension,
 * and of its type; and the argument accuracy_level, or None. */
PyObject *quire_core_rows_make(const struct rows *x, uint64_t n);
bool quire_core_level(PyObject *argument, quire_matmul_options *options);

#endif
