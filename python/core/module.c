/*
 * module.c - the module quire._core: its types and functions, and what they
 * share. Everything that needs no speed is in Python.
 */
#include <string.h>

#include "core.h"

PyObject *quire_core_tensor_class, *quire_core_linear_class,
    *quire_core_make_error;

PyTypeObject *quire_core_add_type(PyObject *module, PyType_Spec *spec)
{
	PyObject *type = PyType_FromSpec(spec);
	const char *name = strrchr(spec->name, '.') + 1;

	if (!type || PyModule_AddObjectRef(module, name, type) < 0) {
		Py_XDECREF(type);
		return NULL;
	}
	return (PyTypeObject *)type;
}

bool quire_core_add_functions(PyObject *module, PyMethodDef *functions)
{
	return PyModule_AddFunctions(module, functions) == 0;
}

PyObject *quire_core_fail(const quire_error *error)
{
	PyObject *offset = error->offset == QUIRE_NO_OFFSET
			       ? Py_NewRef(Py_None)
			       : PyLong_FromUnsignedLongLong(error->offset);
	PyObject *path = error->path[0] ? PyUnicode_DecodeFSDefault(error->path)
					: Py_NewRef(Py_None);
	PyObject *message = quire_core_text(error->message);
	PyObject *exception = NULL;

	if (offset && path && message)
		exception = PyObject_CallFunction(quire_core_make_error, "iOOO",
						  (int)error->status, message,
						  path, offset);
	if (exception)
		PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
	Py_XDECREF(exception);
	Py_XDECREF(message);
	Py_XDECREF(path);
	Py_XDECREF(offset);
	return NULL;
}

PyObject *quire_core_string(quire_string text)
{
	return PyUnicode_DecodeUTF8(text.data ? text.data : "",
				    (Py_ssize_t)text.size, "surrogateescape");
}

PyObject *quire_core_text(const char *text)
{
	if (!text)
		return Py_NewRef(Py_None);
	return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text),
				    "surrogateescape");
}

PyObject *quire_core_encode(PyObject *name)
{
	if (!PyUnicode_Check(name)) {
		PyErr_SetString(PyExc_TypeError, "a name must be a str");
		return NULL;
	}
	return PyUnicode_AsEncodedString(name, "utf-8", "surrogateescape");
}

void quire_core_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	release(self);
	Py_DECREF(type);
}

/* The types are globals of the process. False: an exception is set. */
static bool is_main_interpreter(void)
{
	if (PyInterpreterState_GetID(PyInterpreterState_Get()) == 0)
		return true;
	PyErr_SetString(PyExc_ImportError,
			"quire works in the main interpreter only");
	return false;
}

/* Python's subclasses of the types, and its function that makes exceptions. */
static PyObject *setup(PyObject *module, PyObject *args)
{
	PyObject *tensor, *linear, *make_error;

	(void)module;
	/* Again: of a module that the main interpreter has loaded, others get
	 * a copy, and PyInit__core is not called. */
	if (!is_main_interpreter() ||
	    !PyArg_ParseTuple(args, "OOO", &tensor, &linear, &make_error))
		return NULL;
	quire_core_tensor_class = Py_NewRef(tensor);
	quire_core_linear_class = Py_NewRef(linear);
	quire_core_make_error = Py_NewRef(make_error);
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{ "setup", setup, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
	.m_base = PyModuleDef_HEAD_INIT,
	.m_name = "quire._core",
	.m_size = -1,
	.m_methods = functions,
};

PyMODINIT_FUNC PyInit__core(void)
{
	PyObject *module;

	if (!is_main_interpreter())
		return NULL;
	module = PyModule_Create(&definition);
	if (module && quire_core_add_model(module) &&
	    quire_core_add_tensor(module) && quire_core_add_runtime(module) &&
	    quire_core_add_linear(module) &&
	    quire_core_add_linear_many(module) && quire_core_add_job(module) &&
	    quire_core_add_check(module) && quire_core_add_convert(module) &&
	    quire_core_add_rewrite(module) &&
	    PyModule_AddStringConstant(module, "version", quire_version()) == 0)
		return module;
	Py_XDECREF(module);
	return NULL;
}
