/*
 * model.c - quire._core.Model: an open file, its tensors by name, and its
 * closing. model_values.c has the rest of it.
 */
#include "core.h"
#include "model_values.h"

PyTypeObject *quire_core_model_type;

bool quire_core_is_open(const struct core_model *model)
{
	if (model->model)
		return true;
	PyErr_SetString(PyExc_ValueError, "the model is closed");
	return false;
}

bool quire_core_enter(struct core_model *model)
{
	if (!quire_core_is_open(model))
		return false;
	if (model->exclusive) {
		PyErr_SetString(PyExc_RuntimeError,
				"another thread is prepacking the model");
		return false;
	}
	model->calls++;
	return true;
}

void quire_core_leave(struct core_model *model)
{
	model->calls--;
}

static PyObject *model_new(PyTypeObject *type, PyObject *args, PyObject *words)
{
	static char *names[] = { "path", "verify", "load", "prefetch",
				 "lock", "edited", NULL };
	quire_open_options options = { .verify = QUIRE_VERIFY_HEADER };
	int verify, load, prefetch, lock, edited;
	struct core_model *self;
	quire_status status;
	quire_error error;
	const char *path;

	if (!PyArg_ParseTupleAndKeywords(args, words, "yiiipp", names, &path,
					 &verify, &load, &prefetch, &lock,
					 &edited))
		return NULL;
	options.verify = (quire_verify_mode)verify;
	options.load = (quire_load_mode)load;
	options.prefetch = (quire_prefetch)prefetch;
	options.lock = lock;
	options.allow_edited_header = edited;
	self = (struct core_model *)PyType_GenericAlloc(type, 0);
	if (!self)
		return NULL;
	Py_BEGIN_ALLOW_THREADS status =
	    quire_model_open(path, &options, &self->model, &error);
	Py_END_ALLOW_THREADS if (status == QUIRE_OK) return (PyObject *)self;
	Py_DECREF(self);
	return quire_core_fail(&error);
}

static void model_dealloc(PyObject *self)
{
	struct core_model *model = (struct core_model *)self;

	/* Views and calls have a reference: there are none. */
	quire_core_runtimes_detach(model);
	quire_model_close(model->model);
	quire_core_free(self);
}

static PyObject *model_close(PyObject *self, PyObject *none)
{
	struct core_model *model = (struct core_model *)self;
	quire_model *closed = model->model;

	(void)none;
	if (model->views > 0)
		return PyErr_Format(PyExc_BufferError,
				    "cannot close the model: %zd view%s of its "
				    "pages are alive; delete them first",
				    model->views, model->views == 1 ? "" : "s");
	if (model->calls > 0)
		return PyErr_Format(PyExc_BufferError,
				    "cannot close the model: another thread "
				    "uses it");
	quire_core_runtimes_detach(model);
	model->model = NULL;
	Py_BEGIN_ALLOW_THREADS quire_model_close(closed);
	Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static PyObject *model_check(PyObject *self, PyObject *none)
{
	struct core_model *model = (struct core_model *)self;
	quire_status status;
	quire_error error;

	(void)none;
	if (!quire_core_enter(model))
		return NULL;
	Py_BEGIN_ALLOW_THREADS status =
	    quire_model_check_files(model->model, &error);
	Py_END_ALLOW_THREADS quire_core_leave(model);
	if (status != QUIRE_OK)
		return quire_core_fail(&error);
	Py_RETURN_NONE;
}

/* The tensor of that name; NULL without an exception: there is none. */
static const quire_tensor *find(struct core_model *model, PyObject *name)
{
	const quire_tensor *tensor;
	PyObject *bytes;

	bytes = quire_core_encode(name);
	if (!bytes)
		return NULL;
	tensor = quire_model_find_tensor(model->model, PyBytes_AsString(bytes));
	/* A name with a NUL was cut there. */
	if (tensor && tensor->name.size != (size_t)PyBytes_Size(bytes))
		tensor = NULL;
	Py_DECREF(bytes);
	return tensor;
}

static PyObject *model_subscript(PyObject *self, PyObject *name)
{
	struct core_model *model = (struct core_model *)self;
	const quire_tensor *tensor;

	if (!quire_core_is_open(model))
		return NULL;
	tensor = find(model, name);
	if (tensor)
		return quire_core_tensor(model, tensor);
	if (!PyErr_Occurred())
		PyErr_SetObject(PyExc_KeyError, name);
	return NULL;
}

static int model_contains(PyObject *self, PyObject *name)
{
	struct core_model *model = (struct core_model *)self;
	const quire_tensor *tensor;

	if (!quire_core_is_open(model))
		return -1;
	if (!PyUnicode_Check(name))
		return 0;
	tensor = find(model, name);
	if (!tensor && PyErr_Occurred())
		return -1;
	return tensor != NULL;
}

static Py_ssize_t model_length(PyObject *self)
{
	struct core_model *model = (struct core_model *)self;

	if (!quire_core_is_open(model))
		return -1;
	return (Py_ssize_t)quire_model_tensor_count(model->model);
}

static quire_string tensor_name(const quire_model *model, size_t index)
{
	return quire_model_tensor(model, index)->name;
}

static quire_string linear_name(const quire_model *model, size_t index)
{
	return quire_model_linear(model, index)->name;
}

/* A list of the first `count` names. */
static PyObject *list_names(const quire_model *model, size_t count,
			    quire_string (*name_of)(const quire_model *model,
						    size_t index))
{
	PyObject *list = PyList_New((Py_ssize_t)count);

	for (size_t i = 0; list && i < count; i++) {
		PyObject *name = quire_core_string(name_of(model, i));

		if (!name || PyList_SetItem(list, (Py_ssize_t)i, name) < 0)
			Py_CLEAR(list);
	}
	return list;
}

static PyObject *model_names(PyObject *self, PyObject *none)
{
	const struct core_model *model = (struct core_model *)self;

	(void)none;
	if (!quire_core_is_open(model))
		return NULL;
	return list_names(model->model, quire_model_tensor_count(model->model),
			  tensor_name);
}

static PyObject *model_linear_names(PyObject *self, PyObject *none)
{
	const struct core_model *model = (struct core_model *)self;

	(void)none;
	if (!quire_core_is_open(model))
		return NULL;
	return list_names(model->model, quire_model_linear_count(model->model),
			  linear_name);
}

static PyObject *model_linear(PyObject *self, PyObject *name)
{
	struct core_model *model = (struct core_model *)self;
	const quire_linear *linear;
	PyObject *bytes;

	if (!quire_core_is_open(model))
		return NULL;
	bytes = quire_core_encode(name);
	if (!bytes)
		return NULL;
	linear = quire_model_find_linear(model->model, PyBytes_AsString(bytes));
	if (linear && linear->name.size != (size_t)PyBytes_Size(bytes))
		linear = NULL;
	Py_DECREF(bytes);
	if (linear)
		return quire_core_linear(model, linear);
	PyErr_SetObject(PyExc_KeyError, name);
	return NULL;
}

static PyObject *model_closed(PyObject *self, void *closure)
{
	(void)closure;
	return PyBool_FromLong(!((struct core_model *)self)->model);
}

static PyObject *model_views(PyObject *self, void *closure)
{
	(void)closure;
	return PyLong_FromSsize_t(((struct core_model *)self)->views);
}

static PyMethodDef methods[] = {
	{ "_close", model_close, METH_NOARGS, NULL },
	{ "_check", model_check, METH_NOARGS, NULL },
	{ "_names", model_names, METH_NOARGS, NULL },
	{ "_linear_names", model_linear_names, METH_NOARGS, NULL },
	{ "_linear", model_linear, METH_O, NULL },
	{ "_info", quire_core_model_info, METH_NOARGS, NULL },
	{ "_parts", quire_core_model_parts, METH_NOARGS, NULL },
	{ "_value_keys", quire_core_model_value_keys, METH_NOARGS, NULL },
	{ "_value", quire_core_model_value, METH_O, NULL },
	{ "_value_list", quire_core_model_value_list, METH_O, NULL },
	{ "_value_bytes", quire_core_model_value_bytes, METH_O, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyGetSetDef fields[] = {
	{ "closed", model_closed, NULL,
	  "Whether the model is closed. Its tensors cannot be used then.",
	  NULL },
	{ "_views", model_views, NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
	{ Py_tp_new, model_new },
	{ Py_tp_dealloc, model_dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, fields },
	{ Py_mp_subscript, model_subscript },
	{ Py_mp_length, model_length },
	{ Py_sq_contains, model_contains },
	{ 0, NULL },
};

static PyType_Spec spec = {
	.name = "quire._core.Model",
	.basicsize = sizeof(struct core_model),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = slots,
};

bool quire_core_add_model(PyObject *module)
{
	quire_core_model_type = quire_core_add_type(module, &spec);
	return quire_core_model_type;
}
