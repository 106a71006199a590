/*
 * linear_many.c - several linears with one x: quire_linear_run_many for Python.
 */
#include "rows.h"

/* One linear and where its y goes. */
struct item {
	struct core_linear *linear;
	PyObject *out; /* owned; NULL: not read */
	struct rows y;
	bool entered; /* a call of the linear's model is counted */
};

struct many {
	struct item *items;
	size_t count;
	struct rows x;
	quire_matmul_options options;
};

/* The linears of a list that nobody else has. */
static bool read_linears(struct many *many, PyObject *list)
{
	for (size_t i = 0; i < many->count; i++) {
		PyObject *item = PyList_GetItem(list, (Py_ssize_t)i);
		struct core_linear *linear = (struct core_linear *)item;

		if (!PyObject_TypeCheck(
			item, (PyTypeObject *)quire_core_linear_class)) {
			PyErr_SetString(PyExc_TypeError,
					"linears must be quire.Linear");
			return false;
		}
		if (!quire_core_enter(linear->owner))
			return false;
		many->items[i].linear = linear;
		many->items[i].entered = true;
		if (linear->linear->k != many->items[0].linear->linear->k) {
			PyErr_Format(PyExc_ValueError,
				     "linears[%zu] has k = %llu, and the first "
				     "one %llu",
				     i, (unsigned long long)linear->linear->k,
				     (unsigned long long)many->items[0]
					 .linear->linear->k);
			return false;
		}
	}
	return true;
}

/* False, with an exception, if out number i does not go with those before. */
static bool check_out(const struct many *many, size_t i)
{
	const struct rows *y = &many->items[i].y;

	if (!quire_core_rows_fit(&many->x, y))
		return false;
	if (y->dtype != many->items[0].y.dtype) {
		PyErr_SetString(PyExc_TypeError,
				"outs must be all float32 or all float16");
		return false;
	}
	for (size_t j = 0; j < i; j++)
		if (quire_core_rows_overlap(&many->items[j].y, y)) {
			PyErr_Format(PyExc_ValueError,
				     "outs[%zu] overlaps outs[%zu]", i, j);
			return false;
		}
	return true;
}

/* Reads the list of outs, or makes them. */
static bool read_outs(struct many *many, PyObject *outs)
{
	for (size_t i = 0; i < many->count; i++) {
		struct item *item = &many->items[i];
		const uint64_t n = item->linear->linear->n;
		PyObject *out;

		out = outs == Py_None
			  ? quire_core_rows_make(&many->x, n)
			  : Py_NewRef(PyList_GetItem(outs, (Py_ssize_t)i));
		if (!out)
			return false;
		if (!quire_core_rows(out, "out", n, true, &item->y)) {
			Py_DECREF(out);
			return false;
		}
		item->out = out;
		if (!check_out(many, i))
			return false;
	}
	return true;
}

/* The library takes one stride for all y, or each without gaps. */
static bool read_strides(struct many *many)
{
	bool whole = true, equal = true;

	for (size_t i = 0; i < many->count; i++) {
		const struct item *item = &many->items[i];

		whole = whole && item->y.stride == item->linear->linear->n;
		equal = equal && item->y.stride == many->items[0].y.stride;
	}
	if (!whole && !equal) {
		PyErr_SetString(PyExc_ValueError,
				"the rows of outs must have no gaps, or lie at "
				"one stride in all of them");
		return false;
	}
	many->options.y_stride = whole ? 0 : many->items[0].y.stride;
	many->options.x_stride = many->x.stride;
	many->options.x_dtype = many->x.dtype;
	many->options.y_dtype = many->items[0].y.dtype;
	return true;
}

static bool run(const struct many *many, struct core_runtime *runtime)
{
	const quire_linear **linears =
	    PyMem_Calloc(many->count, sizeof(*linears));
	void **y = PyMem_Calloc(many->count, sizeof(*y));
	quire_status status = QUIRE_ERROR_MEMORY;
	quire_error error;

	if (!linears || !y) {
		PyErr_NoMemory();
		goto out;
	}
	for (size_t i = 0; i < many->count; i++) {
		linears[i] = many->items[i].linear->linear;
		y[i] = many->items[i].y.view.buf;
	}
	Py_BEGIN_ALLOW_THREADS status = quire_linear_run_many(
	    runtime->runtime, linears, many->count, many->x.view.buf,
	    many->x.count, y, &many->options, &error);
	Py_END_ALLOW_THREADS if (status != QUIRE_OK) quire_core_fail(&error);
out:
	PyMem_Free(linears);
	PyMem_Free(y);
	return status == QUIRE_OK;
}

/* With x read. */
static bool multiply(struct many *many, PyObject *outs, PyObject *argument)
{
	struct core_runtime *runtime;
	bool fine;

	if (!read_outs(many, outs) || !read_strides(many))
		return false;
	runtime = quire_core_runtime_enter(argument);
	if (!runtime)
		return false;
	fine = run(many, runtime);
	quire_core_runtime_leave(runtime);
	return fine;
}

/* A list of what was read or made. */
static PyObject *list_outs(const struct many *many)
{
	PyObject *list = PyList_New((Py_ssize_t)many->count);

	for (size_t i = 0; list && i < many->count; i++)
		if (PyList_SetItem(list, (Py_ssize_t)i,
				   Py_NewRef(many->items[i].out)) < 0)
			Py_CLEAR(list);
	return list;
}

static void release(struct many *many)
{
	for (size_t i = 0; i < many->count; i++) {
		struct item *item = &many->items[i];

		if (item->out) {
			PyBuffer_Release(&item->y.view);
			Py_DECREF(item->out);
		}
		if (item->entered)
			quire_core_leave(item->linear->owner);
	}
	PyMem_Free(many->items);
}

static PyObject *multiply_lists(struct many *many, PyObject *linears,
				PyObject *args[4])
{
	bool fine;

	if (!quire_core_level(args[2], &many->options) ||
	    !read_linears(many, linears) ||
	    !quire_core_rows(args[0], "x", many->items[0].linear->linear->k,
			     false, &many->x))
		return NULL;
	fine = multiply(many, args[1], args[3]);
	PyBuffer_Release(&many->x.view);
	return fine ? list_outs(many) : NULL;
}

/* linear_many(linears, x, outs, accuracy_level, runtime); the lists are the
 * caller's alone. */
static PyObject *linear_many(PyObject *module, PyObject *args)
{
	PyObject *linears, *read[4], *result;
	struct many many = { .items = NULL };

	(void)module;
	if (!PyArg_ParseTuple(args, "O!OOOO", &PyList_Type, &linears, &read[0],
			      &read[1], &read[2], &read[3]))
		return NULL;
	many.count = (size_t)PyList_Size(linears);
	if (read[1] != Py_None &&
	    (!PyList_Check(read[1]) ||
	     (size_t)PyList_Size(read[1]) != many.count)) {
		PyErr_SetString(PyExc_ValueError,
				"outs must have one array for each linear");
		return NULL;
	}
	if (many.count == 0)
		return PyList_New(0);
	many.items = PyMem_Calloc(many.count, sizeof(*many.items));
	if (!many.items)
		return PyErr_NoMemory();
	result = multiply_lists(&many, linears, read);
	release(&many);
	return result;
}

static PyMethodDef functions[] = {
	{ "linear_many", linear_many, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

bool quire_core_add_linear_many(PyObject *module)
{
	return quire_core_add_functions(module, functions);
}
