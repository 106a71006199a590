/*
 * model_values.c - what quire._core.Model says about its file: metadata as
 * Python values, and plain facts as tuples.
 */
#include "model_values.h"

static const quire_model *open_model(PyObject *self)
{
	const struct core_model *model = (struct core_model *)self;

	return quire_core_is_open(model) ? model->model : NULL;
}

PyObject *quire_core_model_info(PyObject *self, PyObject *none)
{
	const quire_model *model = open_model(self);
	quire_model_info info;

	(void)none;
	if (!model)
		return NULL;
	quire_model_describe(model, &info);
	return Py_BuildValue("IIIKKO", info.gguf_version, info.quire_version,
			     info.alignment,
			     (unsigned long long)info.data_offset,
			     (unsigned long long)info.file_size,
			     info.header_edited ? Py_True : Py_False);
}

static PyObject *part_tuple(const quire_part *part)
{
	PyObject *path = part->path ? PyUnicode_DecodeFSDefault(part->path)
				    : Py_NewRef(Py_None);

	if (!path)
		return NULL;
	return Py_BuildValue("NIKKnnO", path, part->alignment,
			     (unsigned long long)part->data_offset,
			     (unsigned long long)part->file_size,
			     (Py_ssize_t)part->first_tensor,
			     (Py_ssize_t)part->tensor_count,
			     part->header_edited ? Py_True : Py_False);
}

PyObject *quire_core_model_parts(PyObject *self, PyObject *none)
{
	const quire_model *model = open_model(self);
	quire_part part;
	PyObject *list;

	(void)none;
	if (!model)
		return NULL;
	list = PyList_New(0);
	for (size_t i = 0; list && quire_model_part(model, i, &part); i++) {
		PyObject *tuple = part_tuple(&part);

		if (!tuple || PyList_Append(list, tuple) < 0)
			Py_CLEAR(list);
		Py_XDECREF(tuple);
	}
	return list;
}

PyObject *quire_core_model_value_keys(PyObject *self, PyObject *none)
{
	const quire_model *model = open_model(self);
	PyObject *list;
	size_t count;

	(void)none;
	if (!model)
		return NULL;
	count = quire_model_value_count(model);
	list = PyList_New((Py_ssize_t)count);
	for (size_t i = 0; list && i < count; i++) {
		quire_string key;
		PyObject *name;

		quire_model_value(model, i, &key);
		name = quire_core_string(key);
		if (!name || PyList_SetItem(list, (Py_ssize_t)i, name) < 0)
			Py_CLEAR(list);
	}
	return list;
}

static PyObject *value_object(const quire_value *value)
{
	switch (value->type) {
	case QUIRE_VALUE_U8:
	case QUIRE_VALUE_U16:
	case QUIRE_VALUE_U32:
	case QUIRE_VALUE_U64:
		return PyLong_FromUnsignedLongLong(value->as.u);
	case QUIRE_VALUE_I8:
	case QUIRE_VALUE_I16:
	case QUIRE_VALUE_I32:
	case QUIRE_VALUE_I64:
		return PyLong_FromLongLong(value->as.i);
	case QUIRE_VALUE_F32:
	case QUIRE_VALUE_F64:
		return PyFloat_FromDouble(value->as.f);
	case QUIRE_VALUE_BOOL:
		return PyBool_FromLong(value->as.b);
	case QUIRE_VALUE_STRING:
		return quire_core_string(value->as.s);
	case QUIRE_VALUE_ARRAY:
		break;
	}
	return Py_BuildValue("iK", (int)value->as.a.type,
			     (unsigned long long)value->as.a.count);
}

/* NULL, with an exception, if there is no such value. */
static const quire_value *find_value(PyObject *self, PyObject *key)
{
	const quire_model *model = open_model(self);
	const quire_value *value = NULL;
	PyObject *bytes;

	if (!model)
		return NULL;
	bytes = quire_core_encode(key);
	if (!bytes)
		return NULL;
	/* A key with a NUL would be cut there. */
	if (PyUnicode_FindChar(key, 0, 0, PyUnicode_GetLength(key), 1) < 0)
		value = quire_model_find_value(model, PyBytes_AsString(bytes));
	Py_DECREF(bytes);
	if (!value)
		PyErr_SetObject(PyExc_KeyError, key);
	return value;
}

static const quire_value *find_array(PyObject *self, PyObject *key)
{
	const quire_value *value = find_value(self, key);

	if (!value || value->type == QUIRE_VALUE_ARRAY)
		return value;
	PyErr_SetString(PyExc_TypeError, "the value is no array");
	return NULL;
}

PyObject *quire_core_model_value(PyObject *self, PyObject *key)
{
	const quire_value *value = find_value(self, key);

	return value ? value_object(value) : NULL;
}

PyObject *quire_core_model_value_list(PyObject *self, PyObject *key)
{
	const quire_value *value = find_array(self, key);
	quire_value element;
	quire_array rest;
	PyObject *list;

	if (!value)
		return NULL;
	rest = value->as.a;
	list = PyList_New((Py_ssize_t)rest.count);
	for (Py_ssize_t i = 0; list && quire_array_next(&rest, &element); i++) {
		PyObject *object = value_object(&element);

		if (!object || PyList_SetItem(list, i, object) < 0)
			Py_CLEAR(list);
	}
	return list;
}

PyObject *quire_core_model_value_bytes(PyObject *self, PyObject *key)
{
	const quire_value *value = find_array(self, key);

	if (!value)
		return NULL;
	return PyBytes_FromStringAndSize(value->as.a.data,
					 (Py_ssize_t)value->as.a.size);
}
