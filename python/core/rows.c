/*
 * rows.c - reads arrays as rows. Every dimension but the last counts rows;
 * these must be equally far apart, because a product takes one stride.
 */
#include <string.h>

#include "rows.h"

/* The type of the elements; false: it is neither float32 nor float16. */
static bool read_format(const Py_buffer *view, quire_dtype *dtype)
{
	const char *format = view->format ? view->format : "B";

	if (strchr("@=<", format[0]) && format[0])
		format++;
	if (!strcmp(format, "f") && view->itemsize == 4)
		*dtype = QUIRE_F32;
	else if (!strcmp(format, "e") && view->itemsize == 2)
		*dtype = QUIRE_F16;
	else
		return false;
	return true;
}

/* False: the rows are not equally far apart, or run backwards. */
static bool read_strides(struct rows *rows)
{
	const Py_buffer *view = &rows->view;
	const int last = view->ndim - 1;
	const Py_ssize_t cols = view->shape[last];
	Py_ssize_t stride = 0, count = 1;

	for (int i = 0; i < last; i++)
		count *= view->shape[i];
	rows->count = (size_t)count;
	rows->stride = (size_t)cols;
	if (count == 0 || cols == 0)
		return true;
	if (cols > 1 && view->strides[last] != view->itemsize)
		return false;
	count = 1;
	for (int i = last - 1; i >= 0; i--) {
		if (view->shape[i] == 1)
			continue;
		if (count == 1)
			stride = view->strides[i];
		else if (view->strides[i] / stride != count ||
			 view->strides[i] % stride)
			return false;
		if (stride < cols * view->itemsize || stride % view->itemsize)
			return false;
		count *= view->shape[i];
	}
	if (count > 1)
		rows->stride = (size_t)(stride / view->itemsize);
	return true;
}

static bool read_rows(const char *name, uint64_t cols, struct rows *rows)
{
	const Py_buffer *view = &rows->view;

	if (!read_format(view, &rows->dtype)) {
		PyErr_Format(PyExc_TypeError,
			     "%s has elements of buffer format '%s'; it must "
			     "be float32 or float16, in the machine's order",
			     name, view->format ? view->format : "B");
		return false;
	}
	if (view->ndim < 1 || (uint64_t)view->shape[view->ndim - 1] != cols) {
		PyErr_Format(
		    PyExc_ValueError,
		    "the last dimension of %s is %zd; it must be %llu", name,
		    view->ndim ? view->shape[view->ndim - 1] : (Py_ssize_t)0,
		    (unsigned long long)cols);
		return false;
	}
	if (!read_strides(rows) ||
	    (uintptr_t)view->buf % (size_t)view->itemsize) {
		PyErr_Format(PyExc_ValueError,
			     "the rows of %s do not lie at one positive stride "
			     "with adjacent, aligned elements: copy it with "
			     "numpy.ascontiguousarray",
			     name);
		return false;
	}
	return true;
}

bool quire_core_rows(PyObject *array, const char *name, uint64_t cols,
		     bool writable, struct rows *rows)
{
	const int flags =
	    PyBUF_STRIDES | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);

	if (!PyObject_CheckBuffer(array)) {
		PyErr_Format(PyExc_TypeError,
			     "%s must be a NumPy array, or have a buffer as "
			     "arrays have",
			     name);
		return false;
	}
	if (PyObject_GetBuffer(array, &rows->view, flags) < 0)
		return false;
	if (read_rows(name, cols, rows))
		return true;
	PyBuffer_Release(&rows->view);
	return false;
}

/* Bytes from the first to behind the last. */
static uintptr_t extent(const struct rows *rows, size_t row)
{
	return rows->count ? (rows->count - 1) * rows->stride *
				     (size_t)rows->view.itemsize +
				 row
			   : 0;
}

/* Rows of equal strides may lie between each other. */
bool quire_core_rows_overlap(const struct rows *x, const struct rows *y)
{
	const size_t x_row =
	    (size_t)x->view.shape[x->view.ndim - 1] * (size_t)x->view.itemsize;
	const size_t y_row =
	    (size_t)y->view.shape[y->view.ndim - 1] * (size_t)y->view.itemsize;
	const uintptr_t x_at = (uintptr_t)x->view.buf;
	const uintptr_t y_at = (uintptr_t)y->view.buf;
	const size_t stride = x->stride * (size_t)x->view.itemsize;
	size_t apart;

	if (x_at + extent(x, x_row) <= y_at || y_at + extent(y, y_row) <= x_at)
		return false;
	if (!stride || stride != y->stride * (size_t)y->view.itemsize)
		return true;
	apart = y_at > x_at ? (y_at - x_at) % stride
			    : (stride - (x_at - y_at) % stride) % stride;
	return apart < x_row || apart + y_row > stride;
}

bool quire_core_rows_fit(const struct rows *x, const struct rows *out)
{
	const int last = x->view.ndim - 1;

	if (out->view.ndim != last + 1 ||
	    memcmp(out->view.shape, x->view.shape,
		   (size_t)last * sizeof(*x->view.shape)) != 0) {
		PyErr_SetString(PyExc_ValueError,
				"out must have the shape of x but for the last "
				"dimension");
		return false;
	}
	if (quire_core_rows_overlap(x, out)) {
		PyErr_SetString(PyExc_ValueError, "out overlaps x");
		return false;
	}
	return true;
}
