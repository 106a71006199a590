/*
 * core.h - the parts of quire._core, the C side of the Python package: types
 * over the objects of quire.h, and calls that run without Python's lock (the
 * GIL). The limited API of CPython 3.11 is all that it needs of Python, so one
 * build serves every later version. python/quire/ has the rest of the package.
 *
 * Counts in the structs below are read and written with the GIL held.
 */
#ifndef QUIRE_PYTHON_CORE_H
#define QUIRE_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "quire.h"

struct core_model {
	PyObject_HEAD quire_model *model; /* NULL: closed */
	Py_ssize_t views;		  /* buffers that lead into its pages */
	Py_ssize_t calls;   /* calls that use it without the GIL */
	bool exclusive;	    /* its weights are being prepacked or detached */
	PyObject *runtimes; /* a list of those that are attached, or NULL */
};

struct core_tensor {
	PyObject_HEAD struct core_model *owner;
	const quire_tensor *tensor;
};

struct core_linear {
	PyObject_HEAD struct core_model *owner;
	const quire_linear *linear;
};

struct core_runtime {
	PyObject_HEAD quire_runtime *runtime; /* NULL: closed */
	Py_ssize_t calls;
};

/* A long call: how far it is, and whether it is to stop. Another thread looks
 * at it. The fields need no lock. */
struct core_job {
	PyObject_HEAD _Atomic uint64_t done, total;
	_Atomic bool cancelled;
	PyObject *damaged; /* a list of names */
};

/* The types, and what Python registers with setup(): its subclasses, and the
 * function that makes an exception. One module is loaded in a process, so they
 * are globals. */
extern PyTypeObject *quire_core_model_type, *quire_core_bytes_type,
    *quire_core_runtime_type, *quire_core_job_type;
extern PyObject *quire_core_tensor_class, *quire_core_linear_class,
    *quire_core_make_error;

PyMODINIT_FUNC PyInit__core(void);

/* Each adds its types or functions to the module; false: an exception is set.
 */
bool quire_core_add_model(PyObject *module);
bool quire_core_add_tensor(PyObject *module);
bool quire_core_add_runtime(PyObject *module);
bool quire_core_add_linear(PyObject *module);
bool quire_core_add_linear_many(PyObject *module);
bool quire_core_add_job(PyObject *module);
bool quire_core_add_check(PyObject *module);
bool quire_core_add_convert(PyObject *module);
bool quire_core_add_rewrite(PyObject *module);
PyTypeObject *quire_core_add_type(PyObject *module, PyType_Spec *spec);
bool quire_core_add_functions(PyObject *module, PyMethodDef *functions);

/* Sets the exception that belongs to the error, and returns NULL. */
PyObject *quire_core_fail(const quire_error *error);

/* A str; bytes that are not UTF-8 become lone surrogates. NULL becomes None. */
PyObject *quire_core_text(const char *text);
PyObject *quire_core_string(quire_string text);
/* The reverse: a bytes object with the name's bytes; NULL with an exception. */
PyObject *quire_core_encode(PyObject *name);

/* Frees an object of a type with a heap type, after its fields were cleared. */
void quire_core_free(PyObject *self);

/* False, with an exception, if the model is closed. */
bool quire_core_is_open(const struct core_model *model);
/* The same, and counts a call that does not hold the GIL. */
bool quire_core_enter(struct core_model *model);
void quire_core_leave(struct core_model *model);

/* New objects. */
PyObject *quire_core_tensor(struct core_model *owner,
			    const quire_tensor *tensor);
PyObject *quire_core_linear(struct core_model *owner,
			    const quire_linear *linear);
/* The shape in NumPy's order, a tuple. */
PyObject *quire_core_shape(const quire_tensor *tensor);

/* The runtime that an argument names (None: the process's own), as a new
 * reference with a call counted; NULL with an exception. */
struct core_runtime *quire_core_runtime_enter(PyObject *argument);
void quire_core_runtime_leave(struct core_runtime *runtime);
/* Detaches the model from its runtimes, before it is closed. */
void quire_core_runtimes_detach(struct core_model *model);

/* A quire_progress_fn; the context is a struct core_job. */
bool quire_core_progress(void *context, uint64_t done, uint64_t total);

#endif
