/*
 * linear.c - quire._core.Linear, and products: x is read and y is written where
 * NumPy has them, and the GIL is free meanwhile.
 */
#include "rows.h"

/* Of NumPy: the function empty, and the types of elements. */
static PyObject *numpy_empty, *numpy_float32, *numpy_float16;

PyObject *quire_core_linear(struct core_model *owner,
			    const quire_linear *linear)
{
	struct core_linear *self = (struct core_linear *)PyType_GenericAlloc(
	    (PyTypeObject *)quire_core_linear_class, 0);

	if (!self)
		return NULL;
	self->owner = (struct core_model *)Py_NewRef((PyObject *)owner);
	self->linear = linear;
	return (PyObject *)self;
}

static PyObject *linear_new(PyTypeObject *type, PyObject *args, PyObject *words)
{
	(void)type, (void)args, (void)words;
	PyErr_SetString(PyExc_TypeError,
			"a model makes its linears: model.linears[name]");
	return NULL;
}

static int linear_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct core_linear *)self)->owner);
	return 0;
}

static void linear_dealloc(PyObject *self)
{
	PyObject_GC_UnTrack(self);
	Py_CLEAR(((struct core_linear *)self)->owner);
	quire_core_free(self);
}

/* --------------------------------------------------------------- products */

/* What is multiplied: a linear, or a tensor with or without a bias. */
struct product {
	struct core_model *owner;
	const quire_linear *linear;
	const quire_tensor *tensor;
	quire_matmul_options options;
	uint64_t k, n;
};

PyObject *quire_core_rows_make(const struct rows *x, uint64_t n)
{
	const int last = x->view.ndim - 1;
	PyObject *shape = PyTuple_New(last + 1);
	PyObject *out = NULL;

	for (int i = 0; shape && i <= last; i++) {
		PyObject *size = i < last ? PyLong_FromSsize_t(x->view.shape[i])
					  : PyLong_FromUnsignedLongLong(n);

		if (!size || PyTuple_SetItem(shape, i, size) < 0)
			Py_CLEAR(shape);
	}
	if (shape)
		out = PyObject_CallFunctionObjArgs(
		    numpy_empty, shape,
		    x->dtype == QUIRE_F32 ? numpy_float32 : numpy_float16,
		    NULL);
	Py_XDECREF(shape);
	return out;
}

bool quire_core_level(PyObject *argument, quire_matmul_options *options)
{
	unsigned long number;

	if (argument == Py_None)
		return true;
	number = PyLong_AsUnsignedLong(argument);
	if (number == (unsigned long)-1 && PyErr_Occurred())
		return false;
	/* The library refuses what is too large. */
	options->accuracy_level =
	    number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
	return true;
}

static bool run(struct product *product, struct core_runtime *runtime,
		const struct rows *x, const struct rows *y)
{
	quire_matmul_options *options = &product->options;
	quire_status status;
	quire_error error;

	options->x_dtype = x->dtype;
	options->y_dtype = y->dtype;
	options->x_stride = x->stride;
	options->y_stride = y->stride;
	Py_BEGIN_ALLOW_THREADS if (product->linear) status =
	    quire_linear_run(runtime->runtime, product->linear, x->view.buf,
			     x->count, y->view.buf, options, &error);
	else status =
	    quire_matmul(runtime->runtime, product->tensor, x->view.buf,
			 x->count, y->view.buf, options, &error);
	Py_END_ALLOW_THREADS if (status != QUIRE_OK) quire_core_fail(&error);
	return status == QUIRE_OK;
}

/* With x read: reads or makes `out`, and multiplies. Returns it. */
static PyObject *multiply_rows(struct product *product, const struct rows *x,
			       PyObject *out, PyObject *runtime_argument)
{
	struct core_runtime *runtime;
	struct rows y;
	bool fine;

	out = out == Py_None ? quire_core_rows_make(x, product->n)
			     : Py_NewRef(out);
	if (!out)
		return NULL;
	if (!quire_core_rows(out, "out", product->n, true, &y)) {
		Py_DECREF(out);
		return NULL;
	}
	fine = quire_core_rows_fit(x, &y) && quire_core_enter(product->owner);
	if (fine) {
		runtime = quire_core_runtime_enter(runtime_argument);
		fine = runtime && run(product, runtime, x, &y);
		if (runtime)
			quire_core_runtime_leave(runtime);
		quire_core_leave(product->owner);
	}
	PyBuffer_Release(&y.view);
	if (!fine)
		Py_CLEAR(out);
	return out;
}

static PyObject *multiply(struct product *product, PyObject *x, PyObject *out,
			  PyObject *level, PyObject *runtime)
{
	struct rows rows;

	if (!quire_core_level(level, &product->options))
		return NULL;
	if (!quire_core_rows(x, "x", product->k, false, &rows))
		return NULL;
	out = multiply_rows(product, &rows, out, runtime);
	PyBuffer_Release(&rows.view);
	return out;
}

/* Reads x, out, accuracy_level and runtime. Without keywords the tuple is read
 * as it is: the general way takes as long as a small product's checks. */
static bool read_arguments(PyObject *args, PyObject *words, PyObject *read[4])
{
	static char *names[] = { "x", "out", "accuracy_level", "runtime",
				 NULL };
	const Py_ssize_t count = PyTuple_Size(args);

	if (words || count < 1 || count > 3)
		return PyArg_ParseTupleAndKeywords(args, words, "O|OO$O", names,
						   &read[0], &read[1], &read[2],
						   &read[3]);
	for (Py_ssize_t i = 0; i < count; i++)
		read[i] = PyTuple_GetItem(args, i);
	return true;
}

static PyObject *linear_call(PyObject *self, PyObject *args, PyObject *words)
{
	struct core_linear *linear = (struct core_linear *)self;
	PyObject *read[4] = { NULL, Py_None, Py_None, Py_None };
	struct product product = { .owner = linear->owner };

	if (!quire_core_is_open(linear->owner) ||
	    !read_arguments(args, words, read))
		return NULL;
	product.linear = linear->linear;
	product.k = linear->linear->k;
	product.n = linear->linear->n;
	return multiply(&product, read[0], read[1], read[2], read[3]);
}

/* Of an argument that is a quire.Tensor of an open model; NULL with an
 * exception. */
static struct core_tensor *tensor_argument(PyObject *argument)
{
	struct core_tensor *tensor = (struct core_tensor *)argument;

	if (!PyObject_TypeCheck(argument,
				(PyTypeObject *)quire_core_tensor_class)) {
		PyErr_SetString(PyExc_TypeError, "must be a quire.Tensor");
		return NULL;
	}
	return quire_core_is_open(tensor->owner) ? tensor : NULL;
}

static PyObject *multiply_by_tensor(PyObject *args[7])
{
	struct core_tensor *weight = tensor_argument(args[0]);
	struct core_tensor *bias = NULL;
	struct product product;
	PyObject *result;

	if (!weight)
		return NULL;
	product = (struct product){
		.owner = weight->owner,
		.tensor = weight->tensor,
		.k = weight->tensor->shape[0],
		.n = weight->tensor->shape[1],
	};
	if (args[6] != Py_None) {
		product.k = PyLong_AsUnsignedLongLong(args[6]);
		if (PyErr_Occurred())
			return NULL;
		product.options.k = product.k;
	}
	if (args[4] == Py_None)
		return multiply(&product, args[1], args[2], args[3], args[5]);
	bias = tensor_argument(args[4]);
	if (!bias || !quire_core_enter(bias->owner))
		return NULL;
	product.options.bias = bias->tensor;
	result = multiply(&product, args[1], args[2], args[3], args[5]);
	quire_core_leave(bias->owner);
	return result;
}

static PyObject *matmul(PyObject *module, PyObject *args, PyObject *words)
{
	static char *names[] = { "tensor", "x",	      "out", "accuracy_level",
				 "bias",   "runtime", "k",   NULL };
	PyObject *read[7] = { NULL,    NULL,	Py_None, Py_None,
			      Py_None, Py_None, Py_None };

	(void)module;
	if (!PyArg_ParseTupleAndKeywords(args, words, "OO|OO$OOO", names,
					 &read[0], &read[1], &read[2], &read[3],
					 &read[4], &read[5], &read[6]))
		return NULL;
	return multiply_by_tensor(read);
}

/* ------------------------------------------------------------------ fields */

static PyObject *linear_field(PyObject *self, void *closure)
{
	struct core_linear *linear = (struct core_linear *)self;
	const quire_linear *from = linear->linear;

	if (!quire_core_is_open(linear->owner))
		return NULL;
	switch (*(const char *)closure) {
	case 'w':
		return quire_core_tensor(linear->owner, from->weight);
	case 'b':
		return from->bias ? quire_core_tensor(linear->owner, from->bias)
				  : Py_NewRef(Py_None);
	case 'k':
		return PyLong_FromUnsignedLongLong(from->k);
	case 'n':
		return PyLong_FromUnsignedLongLong(from->n);
	case 'a':
		return PyLong_FromUnsignedLong(from->accuracy_level);
	default:
		return quire_core_string(from->name);
	}
}

static PyGetSetDef fields[] = {
	{ "name", linear_field, NULL, "The name of its node in the source.",
	  "." },
	{ "weight", linear_field, NULL, "Its weight, a Tensor of shape (n, k).",
	  "w" },
	{ "bias", linear_field, NULL,
	  "Its bias, a Tensor of shape (n,), or "
	  "None.",
	  "b" },
	{ "k", linear_field, NULL, "The last dimension of x.", "k" },
	{ "n", linear_field, NULL, "The last dimension of y.", "n" },
	{ "accuracy_level", linear_field, NULL,
	  "MatMulNBits' attribute: 0 to 3 compute in f32; 4 quantizes x to "
	  "int8.",
	  "a" },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
	{ Py_tp_new, linear_new },	   { Py_tp_traverse, linear_traverse },
	{ Py_tp_dealloc, linear_dealloc }, { Py_tp_call, linear_call },
	{ Py_tp_getset, fields },	   { 0, NULL },
};

static PyType_Spec spec = {
	.name = "quire._core.Linear",
	.basicsize = sizeof(struct core_linear),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.slots = slots,
};

static PyMethodDef functions[] = {
	{ "matmul", (PyCFunction)(void (*)(void))matmul,
	  METH_VARARGS | METH_KEYWORDS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyObject *element_type(PyObject *numpy, const char *name)
{
	return PyObject_CallMethod(numpy, "dtype", "s", name);
}

bool quire_core_add_linear(PyObject *module)
{
	PyObject *numpy = PyImport_ImportModule("numpy");

	if (!numpy)
		return false;
	numpy_empty = PyObject_GetAttrString(numpy, "empty");
	numpy_float32 = element_type(numpy, "float32");
	numpy_float16 = element_type(numpy, "float16");
	Py_DECREF(numpy);
	return numpy_empty && numpy_float32 && numpy_float16 &&
	       quire_core_add_type(module, &spec) &&
	       quire_core_add_functions(module, functions);
}
