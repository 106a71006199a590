/*
 * runtime.c - quire._core.Runtime: threads and kernels for products. The
 * process has one for products that name none; it is made at its first use.
 */
#include "core.h"

PyTypeObject *quire_core_runtime_type;

/* The process's own; NULL until a product needs it. */
static PyObject *process_runtime;

static PyObject *runtime_new(PyTypeObject *type, PyObject *args,
			     PyObject *words)
{
	static char *names[] = { "threads", "device", "kernels", NULL };
	quire_runtime_options options = { .threads = 0 };
	struct core_runtime *self;
	quire_status status;
	quire_error error;
	int device = QUIRE_DEVICE_BEST;

	if (!PyArg_ParseTupleAndKeywords(args, words, "|Iiz", names,
					 &options.threads, &device,
					 &options.kernels))
		return NULL;
	options.device = (quire_device)device;
	self = (struct core_runtime *)PyType_GenericAlloc(type, 0);
	if (!self)
		return NULL;
	Py_BEGIN_ALLOW_THREADS status =
	    quire_runtime_create(&options, &self->runtime, &error);
	Py_END_ALLOW_THREADS if (status == QUIRE_OK) return (PyObject *)self;
	Py_DECREF(self);
	return quire_core_fail(&error);
}

static void runtime_dealloc(PyObject *self)
{
	quire_runtime_free(((struct core_runtime *)self)->runtime);
	quire_core_free(self);
}

static PyObject *runtime_close(PyObject *self, PyObject *none)
{
	struct core_runtime *runtime = (struct core_runtime *)self;
	quire_runtime *closed = runtime->runtime;

	(void)none;
	if (runtime->calls > 0) {
		PyErr_SetString(PyExc_BufferError,
				"cannot close the runtime: another thread "
				"multiplies by it");
		return NULL;
	}
	runtime->runtime = NULL;
	Py_BEGIN_ALLOW_THREADS quire_runtime_free(closed);
	Py_END_ALLOW_THREADS Py_RETURN_NONE;
}

static struct core_runtime *enter(PyObject *self)
{
	struct core_runtime *runtime = (struct core_runtime *)self;

	if (!runtime->runtime) {
		PyErr_SetString(PyExc_ValueError, "the runtime is closed");
		return NULL;
	}
	runtime->calls++;
	Py_INCREF(self);
	return runtime;
}

struct core_runtime *quire_core_runtime_enter(PyObject *argument)
{
	if (argument && argument != Py_None) {
		if (!PyObject_TypeCheck(argument, quire_core_runtime_type)) {
			PyErr_SetString(PyExc_TypeError,
					"runtime must be a quire.Runtime");
			return NULL;
		}
		return enter(argument);
	}
	if (!process_runtime) {
		PyObject *made =
		    PyObject_CallNoArgs((PyObject *)quire_core_runtime_type);

		/* Another thread may have been faster. */
		if (made && !process_runtime)
			process_runtime = Py_NewRef(made);
		Py_XDECREF(made);
		if (!made)
			return NULL;
	}
	return enter(process_runtime);
}

void quire_core_runtime_leave(struct core_runtime *runtime)
{
	runtime->calls--;
	Py_DECREF((PyObject *)runtime);
}

/* A child of fork has none of its parent's threads: it makes a runtime of its
 * own, and leaves the old one as it is. */
static PyObject *after_fork(PyObject *module, PyObject *none)
{
	(void)module, (void)none;
	process_runtime = NULL;
	Py_RETURN_NONE;
}

/* (device, kernels, threads, prepacked_size, device_name, mapped_size,
 * copied_size) */
static PyObject *runtime_info(PyObject *self, PyObject *none)
{
	struct core_runtime *runtime = enter(self);
	quire_runtime_info info;

	(void)none;
	if (!runtime)
		return NULL;
	quire_runtime_describe(runtime->runtime, &info);
	quire_core_runtime_leave(runtime);
	return Py_BuildValue(
	    "isIKzKK", (int)info.device, info.kernels, info.threads,
	    (unsigned long long)info.prepacked_size, info.device_name,
	    (unsigned long long)info.mapped_size,
	    (unsigned long long)info.copied_size);
}

void quire_core_runtimes_detach(struct core_model *model)
{
	const Py_ssize_t count =
	    model->runtimes ? PyList_Size(model->runtimes) : 0;

	for (Py_ssize_t i = 0; i < count; i++) {
		PyObject *item = PyList_GetItem(model->runtimes, i);
		const struct core_runtime *runtime =
		    (struct core_runtime *)item;

		if (runtime->runtime)
			quire_runtime_detach(runtime->runtime, model->model);
	}
	Py_CLEAR(model->runtimes);
}

/* attach(model, how): "attach", "prepack" or "detach". */
static PyObject *runtime_attach(PyObject *self, PyObject *args)
{
	struct core_runtime *runtime;
	struct core_model *model;
	quire_status status = QUIRE_OK;
	quire_error error;
	const char *how;

	if (!PyArg_ParseTuple(args, "O!s", quire_core_model_type, &model, &how))
		return NULL;
	if (!quire_core_is_open(model))
		return NULL;
	if (model->calls > 0) {
		PyErr_SetString(PyExc_RuntimeError,
				"another thread uses the model");
		return NULL;
	}
	if (!model->runtimes)
		model->runtimes = PyList_New(0);
	if (!model->runtimes || PyList_Append(model->runtimes, self) < 0)
		return NULL;
	runtime = enter(self);
	if (!runtime)
		return NULL;
	model->calls++;
	model->exclusive = true;
	Py_BEGIN_ALLOW_THREADS if (how[0] == 'a') status =
	    quire_runtime_attach(runtime->runtime, model->model, &error);
	else if (how[0] == 'p') status =
	    quire_runtime_prepack(runtime->runtime, model->model, &error);
	else quire_runtime_detach(runtime->runtime, model->model);
	Py_END_ALLOW_THREADS model->exclusive = false;
	model->calls--;
	quire_core_runtime_leave(runtime);
	if (status != QUIRE_OK)
		return quire_core_fail(&error);
	Py_RETURN_NONE;
}

static PyObject *runtime_closed(PyObject *self, void *closure)
{
	(void)closure;
	return PyBool_FromLong(!((struct core_runtime *)self)->runtime);
}

/* [(name, whether this CPU runs it)], fastest first. */
static PyObject *kernels(PyObject *module, PyObject *none)
{
	PyObject *list = PyList_New(0);
	const char *name;
	bool runs;

	(void)module, (void)none;
	for (size_t i = 0; list && (name = quire_kernels_name(i, &runs)); i++) {
		PyObject *row =
		    Py_BuildValue("sO", name, runs ? Py_True : Py_False);

		if (!row || PyList_Append(list, row) < 0)
			Py_CLEAR(list);
		Py_XDECREF(row);
	}
	return list;
}

static PyMethodDef functions[] = {
	{ "kernels", kernels, METH_NOARGS, NULL },
	{ "after_fork", after_fork, METH_NOARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyMethodDef methods[] = {
	{ "_close", runtime_close, METH_NOARGS, NULL },
	{ "_info", runtime_info, METH_NOARGS, NULL },
	{ "_attach", runtime_attach, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyGetSetDef fields[] = {
	{ "closed", runtime_closed, NULL, "Whether the runtime is closed.",
	  NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
	{ Py_tp_new, runtime_new },
	{ Py_tp_dealloc, runtime_dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, fields },
	{ 0, NULL },
};

static PyType_Spec spec = {
	.name = "quire._core.Runtime",
	.basicsize = sizeof(struct core_runtime),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
	.slots = slots,
};

bool quire_core_add_runtime(PyObject *module)
{
	quire_core_runtime_type = quire_core_add_type(module, &spec);
	return quire_core_runtime_type &&
	       quire_core_add_functions(module, functions);
}
