/*
 * tensor.c - quire._core.Tensor and quire._core.Bytes: one tensor, its elements
 * as a buffer of its shape, and its bytes as a buffer of bytes. A buffer keeps
 * the tensor, which keeps the model.
 */
#include "core.h"

PyTypeObject *quire_core_bytes_type;

struct core_bytes {
	PyObject_HEAD struct core_tensor *tensor;
};

PyObject *quire_core_tensor(struct core_model *owner,
			    const quire_tensor *tensor)
{
	struct core_tensor *self = (struct core_tensor *)PyType_GenericAlloc(
	    (PyTypeObject *)quire_core_tensor_class, 0);

	if (!self)
		return NULL;
	self->owner = (struct core_model *)Py_NewRef((PyObject *)owner);
	self->tensor = tensor;
	return (PyObject *)self;
}

static PyObject *tensor_new(PyTypeObject *type, PyObject *args, PyObject *words)
{
	(void)type, (void)args, (void)words;
	PyErr_SetString(PyExc_TypeError,
			"a model makes its tensors: model[name]");
	return NULL;
}

static int tensor_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct core_tensor *)self)->owner);
	return 0;
}

static void tensor_dealloc(PyObject *self)
{
	PyObject_GC_UnTrack(self);
	Py_CLEAR(((struct core_tensor *)self)->owner);
	quire_core_free(self);
}

/* NULL, with an exception, if the model is closed. */
static const quire_tensor *open_tensor(PyObject *self)
{
	const struct core_tensor *tensor = (struct core_tensor *)self;

	return quire_core_is_open(tensor->owner) ? tensor->tensor : NULL;
}

/* ---------------------------------------------------------------- buffers */

/* How a type of plain elements is called in a buffer; NULL: it has none. The
 * numbers that quire_dtype does not name are GGUF's I8 to F64. */
static const char *format_of(quire_dtype dtype)
{
	switch ((int)dtype) {
	case QUIRE_F32:
		return "f";
	case QUIRE_F16:
		return "e";
	case 24:
		return "b";
	case 25:
		return "h";
	case 26:
		return "i";
	case 27:
		return "q";
	case 28:
		return "d";
	default:
		return NULL;
	}
}

/* The shape in NumPy's order, and its strides in bytes. */
static void order(const quire_tensor *tensor, Py_ssize_t *shape,
		  Py_ssize_t *strides, Py_ssize_t item)
{
	for (uint32_t i = 0; i < tensor->rank; i++)
		shape[i] = (Py_ssize_t)tensor->shape[tensor->rank - 1 - i];
	for (uint32_t i = tensor->rank; i-- > 0;) {
		strides[i] = item;
		item *= shape[i];
	}
}

static int fill(PyObject *self, struct core_tensor *tensor, Py_buffer *view,
		const char *format, Py_ssize_t item, int flags)
{
	const bool writable = (flags & PyBUF_WRITABLE) == PyBUF_WRITABLE;
	const quire_tensor *from = tensor->tensor;
	/* Shape, then strides. */
	Py_ssize_t *sizes;

	view->obj = NULL;
	if (!quire_core_is_open(tensor->owner))
		return -1;
	if (writable) {
		PyErr_SetString(PyExc_BufferError,
				"the pages of a model are read-only");
		return -1;
	}
	sizes = PyMem_Malloc(8 * sizeof(*sizes));
	if (!sizes) {
		PyErr_NoMemory();
		return -1;
	}
	*view = (Py_buffer){
		.obj = Py_NewRef(self),
		.buf = (void *)(uintptr_t)from->data,
		.len = (Py_ssize_t)from->size,
		.readonly = 1,
		.itemsize = item,
		.internal = sizes,
	};
	if (format[0] == 'B') {
		view->ndim = 1;
		sizes[0] = view->len;
		sizes[4] = 1;
	} else {
		view->ndim = (int)from->rank;
		order(from, sizes, sizes + 4, item);
	}
	if ((flags & PyBUF_FORMAT) == PyBUF_FORMAT)
		view->format = (char *)(uintptr_t)format;
	if ((flags & PyBUF_ND) == PyBUF_ND)
		view->shape = sizes;
	if ((flags & PyBUF_STRIDES) == PyBUF_STRIDES)
		view->strides = sizes + 4;
	tensor->owner->views++;
	return 0;
}

static int tensor_get_buffer(PyObject *self, Py_buffer *view, int flags)
{
	struct core_tensor *tensor = (struct core_tensor *)self;
	uint32_t count, size;
	const char *format;

	view->obj = NULL;
	if (!quire_core_is_open(tensor->owner))
		return -1;
	format = format_of(tensor->tensor->dtype);
	if (!format) {
		PyErr_Format(PyExc_BufferError,
			     "a tensor of type %s has no plain elements: use "
			     "blocks, codes() or dequantize(), or data for its "
			     "bytes",
			     quire_dtype_name(tensor->tensor->dtype));
		return -1;
	}
	quire_dtype_block(tensor->tensor->dtype, &count, &size);
	return fill(self, tensor, view, format, (Py_ssize_t)size, flags);
}

static void tensor_release_buffer(PyObject *self, Py_buffer *view)
{
	PyMem_Free(view->internal);
	((struct core_tensor *)self)->owner->views--;
}

static int bytes_get_buffer(PyObject *self, Py_buffer *view, int flags)
{
	return fill(self, ((struct core_bytes *)self)->tensor, view, "B", 1,
		    flags);
}

static void bytes_release_buffer(PyObject *self, Py_buffer *view)
{
	PyMem_Free(view->internal);
	((struct core_bytes *)self)->tensor->owner->views--;
}

static void bytes_dealloc(PyObject *self)
{
	Py_CLEAR(((struct core_bytes *)self)->tensor);
	quire_core_free(self);
}

static PyObject *tensor_data(PyObject *self, void *closure)
{
	struct core_bytes *bytes;
	PyObject *view;

	(void)closure;
	bytes =
	    (struct core_bytes *)PyType_GenericAlloc(quire_core_bytes_type, 0);
	if (!bytes)
		return NULL;
	bytes->tensor = (struct core_tensor *)Py_NewRef(self);
	view = PyMemoryView_FromObject((PyObject *)bytes);
	Py_DECREF(bytes);
	return view;
}

/* ------------------------------------------------------------------ fields */

static PyObject *tensor_name(PyObject *self, void *closure)
{
	const quire_tensor *tensor = open_tensor(self);

	(void)closure;
	return tensor ? quire_core_string(tensor->name) : NULL;
}

static PyObject *tensor_source(PyObject *self, void *closure)
{
	const quire_tensor *tensor = open_tensor(self);

	(void)closure;
	if (tensor && tensor->source.size == 0)
		Py_RETURN_NONE;
	return tensor ? quire_core_string(tensor->source) : NULL;
}

static PyObject *tensor_operation(PyObject *self, void *closure)
{
	const quire_tensor *tensor = open_tensor(self);

	(void)closure;
	if (tensor && tensor->operation.size == 0)
		Py_RETURN_NONE;
	return tensor ? quire_core_string(tensor->operation) : NULL;
}

static PyObject *tensor_dtype(PyObject *self, void *closure)
{
	const quire_tensor *tensor = open_tensor(self);

	(void)closure;
	return tensor ? quire_core_text(quire_dtype_name(tensor->dtype)) : NULL;
}

PyObject *quire_core_shape(const quire_tensor *tensor)
{
	PyObject *shape = PyTuple_New(tensor->rank);

	for (uint32_t i = 0; shape && i < tensor->rank; i++) {
		PyObject *size = PyLong_FromUnsignedLongLong(
		    tensor->shape[tensor->rank - 1 - i]);

		if (!size || PyTuple_SetItem(shape, (Py_ssize_t)i, size) < 0)
			Py_CLEAR(shape);
	}
	return shape;
}

static PyObject *tensor_shape(PyObject *self, void *closure)
{
	const quire_tensor *tensor = open_tensor(self);

	(void)closure;
	return tensor ? quire_core_shape(tensor) : NULL;
}

static PyObject *tensor_number(PyObject *self, void *closure)
{
	const quire_tensor *tensor = open_tensor(self);

	if (!tensor)
		return NULL;
	switch (*(const char *)closure) {
	case 'o':
		return PyLong_FromUnsignedLongLong(tensor->offset);
	case 's':
		return PyLong_FromUnsignedLongLong(tensor->size);
	case 'p':
		return PyLong_FromUnsignedLong(tensor->part);
	default:
		break;
	}
	if (!tensor->has_xxh3)
		Py_RETURN_NONE;
	return PyLong_FromUnsignedLongLong(tensor->xxh3);
}

static PyObject *tensor_model(PyObject *self, void *closure)
{
	(void)closure;
	return Py_NewRef((PyObject *)((struct core_tensor *)self)->owner);
}

/* ----------------------------------------------------------------- methods */

static PyObject *tensor_hash(PyObject *self, PyObject *none)
{
	struct core_tensor *tensor = (struct core_tensor *)self;
	uint64_t hash;

	(void)none;
	if (!quire_core_enter(tensor->owner))
		return NULL;
	Py_BEGIN_ALLOW_THREADS hash = quire_tensor_hash(tensor->tensor);
	Py_END_ALLOW_THREADS quire_core_leave(tensor->owner);
	return PyLong_FromUnsignedLongLong(hash);
}

/* decode(first, step, runs, rows, out): `runs` times `rows` rows, the first of
 * them `step` rows apart, to f32 in the buffer `out`, which has room. */
static PyObject *tensor_decode(PyObject *self, PyObject *args)
{
	struct core_tensor *tensor = (struct core_tensor *)self;
	long long first, step, runs, rows;
	quire_status status = QUIRE_OK;
	quire_error error;
	uint64_t cols;
	PyObject *out;
	Py_buffer view;

	if (!PyArg_ParseTuple(args, "LLLLO", &first, &step, &runs, &rows,
			      &out) ||
	    !quire_core_is_open(tensor->owner))
		return NULL;
	if (PyObject_GetBuffer(out, &view, PyBUF_WRITABLE) < 0)
		return NULL;
	cols = tensor->tensor->shape[0];
	/* The caller has made `out` of just this size. */
	if (runs < 0 || rows < 0 ||
	    (cols > 0 && rows > 0 &&
	     (unsigned long long)runs > (unsigned long long)view.len /
					    sizeof(float) / cols /
					    (unsigned long long)rows)) {
		PyBuffer_Release(&view);
		PyErr_SetString(PyExc_ValueError, "out is too small");
		return NULL;
	}
	if (!quire_core_enter(tensor->owner)) {
		PyBuffer_Release(&view);
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS for (long long i = 0;
				    i < runs && status == QUIRE_OK; i++)
	    status = quire_tensor_decode(
		tensor->tensor, (uint64_t)(first + i * step), (uint64_t)rows,
		cols, (float *)view.buf + (uint64_t)(i * rows) * cols, &error);
	Py_END_ALLOW_THREADS quire_core_leave(tensor->owner);
	PyBuffer_Release(&view);
	if (status != QUIRE_OK)
		return quire_core_fail(&error);
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
	{ "_hash", tensor_hash, METH_NOARGS, NULL },
	{ "_decode", tensor_decode, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyGetSetDef fields[] = {
	{ "name", tensor_name, NULL, "Its name, a str.", NULL },
	{ "source", tensor_source, NULL,
	  "Its name in the model it was converted from; None: unknown.", NULL },
	{ "operation", tensor_operation, NULL,
	  "How its rows came from the source's, such as 'rows 0 576; permute "
	  "9'; None: it is the source as it is.",
	  NULL },
	{ "dtype", tensor_dtype, NULL,
	  "GGUF's name of its type, such as 'Q4_0' or 'F32'.", NULL },
	{ "shape", tensor_shape, NULL,
	  "Its shape in NumPy's order: the last dimension is the fastest, and "
	  "a matrix of a linear layer has the shape (n, k). GGUF's own order "
	  "is the reverse.",
	  NULL },
	{ "offset", tensor_number, NULL,
	  "Bytes from the start of its file to its first byte.", "o" },
	{ "nbytes", tensor_number, NULL, "Its size in bytes.", "s" },
	{ "part", tensor_number, NULL,
	  "The index of its file in model.info.parts.", "p" },
	{ "xxh3", tensor_number, NULL,
	  "The file's checksum of its bytes (XXH3-64), an int; None: the file "
	  "has none.",
	  "x" },
	{ "data", tensor_data, NULL,
	  "Its bytes in the file, a read-only memoryview without a copy.",
	  NULL },
	{ "model", tensor_model, NULL, "The model that it belongs to.", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot tensor_slots[] = {
	{ Py_tp_new, tensor_new },
	{ Py_tp_traverse, tensor_traverse },
	{ Py_tp_dealloc, tensor_dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, fields },
	{ Py_bf_getbuffer, tensor_get_buffer },
	{ Py_bf_releasebuffer, tensor_release_buffer },
	{ 0, NULL },
};

static PyType_Spec tensor_spec = {
	.name = "quire._core.Tensor",
	.basicsize = sizeof(struct core_tensor),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	.slots = tensor_slots,
};

static PyType_Slot bytes_slots[] = {
	{ Py_tp_dealloc, bytes_dealloc },
	{ Py_bf_getbuffer, bytes_get_buffer },
	{ Py_bf_releasebuffer, bytes_release_buffer },
	{ 0, NULL },
};

static PyType_Spec bytes_spec = {
	.name = "quire._core.Bytes",
	.basicsize = sizeof(struct core_bytes),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = bytes_slots,
};

bool quire_core_add_tensor(PyObject *module)
{
	quire_core_bytes_type = quire_core_add_type(module, &bytes_spec);
	return quire_core_bytes_type &&
	       quire_core_add_type(module, &tensor_spec);
}
