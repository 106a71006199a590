/*
 * job.c - quire._core.Job: a call that takes long, seen from another thread. A
 * thread of Python runs the call without the GIL, while the main thread looks
 * at `done` and may cancel.
 */
#include <stdatomic.h>

#include "core.h"

PyTypeObject *quire_core_job_type;

bool quire_core_progress(void *context, uint64_t done, uint64_t total)
{
	struct core_job *job = context;

	atomic_store_explicit(&job->total, total, memory_order_relaxed);
	atomic_store_explicit(&job->done, done, memory_order_relaxed);
	return !atomic_load_explicit(&job->cancelled, memory_order_relaxed);
}

static PyObject *job_new(PyTypeObject *type, PyObject *args, PyObject *words)
{
	struct core_job *self = (struct core_job *)PyType_GenericAlloc(type, 0);

	(void)args, (void)words;
	if (!self)
		return NULL;
	self->damaged = PyList_New(0);
	if (!self->damaged)
		Py_CLEAR(self);
	return (PyObject *)self;
}

static void job_dealloc(PyObject *self)
{
	Py_CLEAR(((struct core_job *)self)->damaged);
	quire_core_free(self);
}

static PyObject *job_cancel(PyObject *self, PyObject *none)
{
	struct core_job *job = (struct core_job *)self;

	(void)none;
	atomic_store_explicit(&job->cancelled, true, memory_order_relaxed);
	Py_RETURN_NONE;
}

/* advance(size, total): for a call that is Python's own. False: it is to stop.
 */
static PyObject *job_advance(PyObject *self, PyObject *args)
{
	struct core_job *job = (struct core_job *)self;
	unsigned long long size, total;

	if (!PyArg_ParseTuple(args, "KK", &size, &total))
		return NULL;
	atomic_store_explicit(&job->total, total, memory_order_relaxed);
	atomic_fetch_add_explicit(&job->done, size, memory_order_relaxed);
	return PyBool_FromLong(
	    !atomic_load_explicit(&job->cancelled, memory_order_relaxed));
}

static PyObject *job_number(PyObject *self, void *closure)
{
	struct core_job *job = (struct core_job *)self;
	_Atomic uint64_t *field =
	    *(const char *)closure == 'd' ? &job->done : &job->total;

	return PyLong_FromUnsignedLongLong(
	    atomic_load_explicit(field, memory_order_relaxed));
}

static PyObject *job_damaged(PyObject *self, void *closure)
{
	(void)closure;
	return Py_NewRef(((struct core_job *)self)->damaged);
}

static PyMethodDef methods[] = {
	{ "cancel", job_cancel, METH_NOARGS, NULL },
	{ "advance", job_advance, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static PyGetSetDef fields[] = {
	{ "done", job_number, NULL, NULL, "d" },
	{ "total", job_number, NULL, NULL, "t" },
	{ "damaged", job_damaged, NULL, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyType_Slot slots[] = {
	{ Py_tp_new, job_new },
	{ Py_tp_dealloc, job_dealloc },
	{ Py_tp_methods, methods },
	{ Py_tp_getset, fields },
	{ 0, NULL },
};

static PyType_Spec spec = {
	.name = "quire._core.Job",
	.basicsize = sizeof(struct core_job),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = slots,
};

bool quire_core_add_job(PyObject *module)
{
	quire_core_job_type = quire_core_add_type(module, &spec);
	return quire_core_job_type != NULL;
}
