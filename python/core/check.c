/*
 * check.c - calls that read every byte of models: verify, hash and diff.
 */
#include "core.h"

static void on_damage(void *context, const quire_tensor *tensor,
		      uint64_t actual_xxh3)
{
	const PyGILState_STATE state = PyGILState_Ensure();
	struct core_job *job = context;
	PyObject *name = quire_core_string(tensor->name);

	(void)actual_xxh3;
	if (!name || PyList_Append(job->damaged, name) < 0)
		PyErr_Clear();
	Py_XDECREF(name);
	PyGILState_Release(state);
}

/* Arguments (job, model, threads); then the model is entered. */
static bool enter_with(PyObject *args, quire_verify_options *options,
		       struct core_model **model)
{
	return PyArg_ParseTuple(args, "O!O!I", quire_core_job_type,
				&options->context, quire_core_model_type, model,
				&options->threads) &&
	       quire_core_enter(*model);
}

/* verify(job, model, threads) */
static PyObject *verify(PyObject *module, PyObject *args)
{
	quire_verify_options options = { .progress = quire_core_progress,
					 .damage = on_damage };
	struct core_model *model;
	quire_status status;
	quire_error error;

	(void)module;
	if (!enter_with(args, &options, &model))
		return NULL;
	Py_BEGIN_ALLOW_THREADS status =
	    quire_model_verify(model->model, &options, &error);
	Py_END_ALLOW_THREADS quire_core_leave(model);
	if (status != QUIRE_OK)
		return quire_core_fail(&error);
	Py_RETURN_NONE;
}

/* hash(job, model, threads): a list of numbers, in the order of the tensors. */
static PyObject *hash(PyObject *module, PyObject *args)
{
	quire_verify_options options = { .progress = quire_core_progress };
	PyObject *list = NULL;
	struct core_model *model;
	quire_status status;
	quire_error error;
	uint64_t *hashes;
	size_t count;

	(void)module;
	if (!enter_with(args, &options, &model))
		return NULL;
	count = quire_model_tensor_count(model->model);
	hashes = PyMem_Calloc(count + 1, sizeof(*hashes));
	if (!hashes) {
		quire_core_leave(model);
		return PyErr_NoMemory();
	}
	Py_BEGIN_ALLOW_THREADS status =
	    quire_model_hash(model->model, &options, hashes, &error);
	Py_END_ALLOW_THREADS quire_core_leave(model);
	if (status == QUIRE_OK)
		list = PyList_New((Py_ssize_t)count);
	else
		quire_core_fail(&error);
	for (size_t i = 0; list && i < count; i++) {
		PyObject *number = PyLong_FromUnsignedLongLong(hashes[i]);

		if (!number || PyList_SetItem(list, (Py_ssize_t)i, number) < 0)
			Py_CLEAR(list);
	}
	PyMem_Free(hashes);
	return list;
}

/* -------------------------------------------------------------------- diff */

struct differences {
	struct core_job *job;
	PyObject *list;
};

static bool diff_progress(void *context, uint64_t done, uint64_t total)
{
	const struct differences *differences = context;

	return quire_core_progress(differences->job, done, total);
}

/* None, or what TensorInfo is made of. */
static PyObject *describe(const quire_tensor *tensor)
{
	if (!tensor)
		return Py_NewRef(Py_None);
	return Py_BuildValue(
	    "sNKKI", quire_dtype_name(tensor->dtype), quire_core_shape(tensor),
	    (unsigned long long)tensor->offset,
	    (unsigned long long)tensor->size, (unsigned)tensor->part);
}

/* What Difference is made of. */
static PyObject *difference_row(const quire_difference *it)
{
	return Py_BuildValue(
	    "NsNNNKK", quire_core_string(it->a ? it->a->name : it->b->name),
	    quire_difference_name(it->kind), describe(it->a), describe(it->b),
	    it->first == QUIRE_NO_OFFSET
		? Py_NewRef(Py_None)
		: PyLong_FromUnsignedLongLong(it->first),
	    (unsigned long long)it->bytes, (unsigned long long)it->pages);
}

/* An exception stays set, and nothing more is added. The library calls this in
 * the thread that called it. */
static void on_difference(void *context, const quire_difference *difference)
{
	const PyGILState_STATE state = PyGILState_Ensure();
	const struct differences *differences = context;
	PyObject *row = PyErr_Occurred() ? NULL : difference_row(difference);

	if (row)
		(void)PyList_Append(differences->list, row);
	Py_XDECREF(row);
	PyGILState_Release(state);
}

static PyObject *diff_models(struct core_model *a, struct core_model *b,
			     const quire_diff_options *options, PyObject *list)
{
	quire_status status;
	quire_error error;
	size_t count;

	Py_BEGIN_ALLOW_THREADS status =
	    quire_model_diff(a->model, b->model, options, &count, &error);
	Py_END_ALLOW_THREADS if (status != QUIRE_OK) quire_core_fail(&error);
	return PyErr_Occurred() ? NULL : Py_NewRef(list);
}

/* diff(job, a, b, threads): a list of rows. */
static PyObject *diff(PyObject *module, PyObject *args)
{
	struct differences differences = { .list = NULL };
	quire_diff_options options = { .progress = diff_progress,
				       .difference = on_difference,
				       .context = &differences };
	struct core_model *a, *b;
	PyObject *result = NULL;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!O!O!I", quire_core_job_type,
			      &differences.job, quire_core_model_type, &a,
			      quire_core_model_type, &b, &options.threads) ||
	    !quire_core_enter(a))
		return NULL;
	if (quire_core_enter(b)) {
		differences.list = PyList_New(0);
		if (differences.list)
			result = diff_models(a, b, &options, differences.list);
		Py_XDECREF(differences.list);
		quire_core_leave(b);
	}
	quire_core_leave(a);
	return result;
}

static PyMethodDef functions[] = {
	{ "verify", verify, METH_VARARGS, NULL },
	{ "hash", hash, METH_VARARGS, NULL },
	{ "diff", diff, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

bool quire_core_add_check(PyObject *module)
{
	return quire_core_add_functions(module, functions);
}
