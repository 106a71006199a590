/*
 * model_values.h - methods of quire._core.Model about metadata and the file.
 */
#ifndef QUIRE_PYTHON_MODEL_VALUES_H
#define QUIRE_PYTHON_MODEL_VALUES_H

#include "core.h"

/* (gguf_version, quire_version, alignment, data_offset, file_size,
 * header_edited) */
PyObject *quire_core_model_info(PyObject *self, PyObject *none);
/* [(path, alignment, data_offset, file_size, first_tensor, tensor_count,
 * header_edited)] */
PyObject *quire_core_model_parts(PyObject *self, PyObject *none);
/* The keys, in file order. */
PyObject *quire_core_model_value_keys(PyObject *self, PyObject *none);
/* A value by its key: an int, float, bool or str, or for an array the tuple
 * (element type, count). */
PyObject *quire_core_model_value(PyObject *self, PyObject *key);
/* The elements of an array, as a list, or of numbers as the file's bytes. */
PyObject *quire_core_model_value_list(PyObject *self, PyObject *key);
PyObject *quire_core_model_value_bytes(PyObject *self, PyObject *key);

#endif
