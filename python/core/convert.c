/*
 * convert.c - quire_convert.h for Python: each call takes a Job and returns its
 * report as lists of tuples, which python/quire/_convert.py makes objects of.
 */
#include "core.h"
#include "quire_convert.h"

/* Appends a new reference to the list; false: an exception is set. */
static bool append(PyObject *list, PyObject *item)
{
	const bool fine = item && PyList_Append(list, item) == 0;

	Py_XDECREF(item);
	return fine;
}

static unsigned long long size_of(uint64_t size)
{
	return size;
}

/* ----------------------------------------------------------------- convert */

static PyObject *convert_row(const quire_convert_row *row)
{
	return Py_BuildValue(
	    "NNNNssOKKdd", quire_core_text(row->node),
	    quire_core_text(row->source), quire_core_text(row->tensor),
	    quire_core_text(row->reason), quire_outcome_name(row->outcome),
	    quire_role_name(row->role), Py_None, size_of(row->source_size),
	    size_of(row->tensor_size), row->scale_error_max,
	    row->scale_error_mean);
}

/* The row's dtype stands where convert_row has put None. */
static PyObject *convert_row_typed(const quire_convert_row *row)
{
	PyObject *tuple = convert_row(row);

	if (tuple && row->tensor &&
	    PyTuple_SetItem(tuple, 6,
			    quire_core_text(quire_dtype_name(row->dtype))) < 0)
		Py_CLEAR(tuple);
	return tuple;
}

static PyObject *convert_report(const quire_convert_report *report)
{
	PyObject *rows = PyList_New(0), *files = PyList_New(0);

	for (size_t i = 0; rows && i < report->count; i++)
		if (!append(rows, convert_row_typed(&report->rows[i])))
			Py_CLEAR(rows);
	for (size_t i = 0; files && i < report->part_count; i++)
		if (!append(files,
			    PyUnicode_DecodeFSDefault(report->parts[i].path)))
			Py_CLEAR(files);
	if (rows && files)
		return Py_BuildValue(
		    "NNKKKn", rows, files, size_of(report->source_size),
		    size_of(report->tensor_size), size_of(report->file_size),
		    (Py_ssize_t)report->left);
	Py_XDECREF(rows);
	Py_XDECREF(files);
	return NULL;
}

/* The strings of a list of bytes; to be freed with PyMem_Free. */
static const char **patterns(PyObject *list, size_t *count)
{
	const Py_ssize_t size = PyList_Size(list);
	const char **texts;

	if (size < 0)
		return NULL;
	texts = PyMem_Malloc(((size_t)size + 1) * sizeof(*texts));
	if (!texts) {
		PyErr_NoMemory();
		return NULL;
	}
	for (Py_ssize_t i = 0; i < size; i++) {
		texts[i] = PyBytes_AsString(PyList_GetItem(list, i));
		if (!texts[i]) {
			PyMem_Free(texts);
			return NULL;
		}
	}
	*count = (size_t)size;
	return texts;
}

/* convert(job, onnx, gguf, threads, alignment, overwrite, dry_run, split_size,
 * fallback, leave, leave_unsupported, architecture, name, recipe_path, recipe,
 * target, config_path, tokenizer_pre, no_tokenizer, keep_fused_qkv) */
static PyObject *convert(PyObject *module, PyObject *args)
{
	quire_convert_options options = { .progress = quire_core_progress };
	int overwrite, dry_run, fallback, leave_unsupported;
	int no_tokenizer, keep_fused_qkv;
	quire_convert_report *report = NULL;
	const char *onnx, *gguf, **leave;
	unsigned long long split_size;
	Py_ssize_t recipe_size = 0;
	PyObject *list, *result;
	quire_status status;
	quire_error error;

	(void)module;
	if (!PyArg_ParseTuple(
		args, "O!yyIIppKiO!pzzyz#zyzpp", quire_core_job_type,
		&options.context, &onnx, &gguf, &options.threads,
		&options.alignment, &overwrite, &dry_run, &split_size,
		&fallback, &PyList_Type, &list, &leave_unsupported,
		&options.architecture, &options.name, &options.recipe_path,
		&options.recipe, &recipe_size, &options.target,
		&options.config_path, &options.tokenizer_pre, &no_tokenizer,
		&keep_fused_qkv))
		return NULL;
	/* An empty path stands for none. */
	if (!*gguf)
		gguf = NULL;
	if (!*options.recipe_path)
		options.recipe_path = NULL;
	if (!*options.config_path)
		options.config_path = NULL;
	options.no_tokenizer = no_tokenizer;
	options.keep_fused_qkv = keep_fused_qkv;
	leave = patterns(list, &options.leave_count);
	if (!leave)
		return NULL;
	options.leave = leave;
	options.overwrite = overwrite;
	options.dry_run = dry_run;
	options.split_size = split_size;
	options.fallback = (quire_fallback)fallback;
	options.leave_unsupported = leave_unsupported;
	options.recipe_size = (size_t)recipe_size;
	Py_BEGIN_ALLOW_THREADS status =
	    quire_convert_onnx(onnx, gguf, &options, &report, &error);
	Py_END_ALLOW_THREADS PyMem_Free(leave);
	if (status != QUIRE_OK)
		return quire_core_fail(&error);
	result = convert_report(report);
	quire_convert_report_free(report);
	return result;
}

/* ----------------------------------------------------------------- compare */

static PyObject *compare_row(const quire_compare_row *row)
{
	return Py_BuildValue(
	    "NNNNsNKKKd", quire_core_text(row->node),
	    quire_core_text(row->source), quire_core_text(row->tensor),
	    quire_core_text(row->reason), quire_verdict_name(row->verdict),
	    row->tensor ? quire_core_text(quire_dtype_name(row->dtype))
			: Py_NewRef(Py_None),
	    size_of(row->count), size_of(row->different),
	    size_of(row->scales_different), row->scale_error_max);
}

/* compare(job, onnx, gguf) */
static PyObject *compare(PyObject *module, PyObject *args)
{
	quire_compare_options options = { .progress = quire_core_progress };
	quire_compare_report *report = NULL;
	const char *onnx, *gguf;
	quire_status status;
	quire_error error;
	PyObject *rows;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!yy", quire_core_job_type,
			      &options.context, &onnx, &gguf))
		return NULL;
	Py_BEGIN_ALLOW_THREADS status =
	    quire_compare_onnx(onnx, gguf, &options, &report, &error);
	Py_END_ALLOW_THREADS if (status !=
				 QUIRE_OK) return quire_core_fail(&error);
	rows = PyList_New(0);
	for (size_t i = 0; rows && i < report->count; i++)
		if (!append(rows, compare_row(&report->rows[i])))
			Py_CLEAR(rows);
	if (rows)
		rows = Py_BuildValue("Nnn", rows, (Py_ssize_t)report->different,
				     (Py_ssize_t)report->referred);
	quire_compare_report_free(report);
	return rows;
}

/* ---------------------------------------------------------- export and thin */

/* export(job, gguf, onnx, back, overwrite, external_data) */
static PyObject *export_model(PyObject *module, PyObject *args)
{
	quire_export_options options = { .progress = quire_core_progress };
	const char *gguf, *onnx, *back;
	quire_export_summary summary;
	int overwrite, external_data;
	quire_status status;
	quire_error error;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!yyypp", quire_core_job_type,
			      &options.context, &gguf, &onnx, &back, &overwrite,
			      &external_data))
		return NULL;
	options.overwrite = overwrite;
	options.external_data = external_data;
	Py_BEGIN_ALLOW_THREADS status =
	    quire_export_onnx(gguf, onnx, back, &options, &summary, &error);
	Py_END_ALLOW_THREADS if (status !=
				 QUIRE_OK) return quire_core_fail(&error);
	return Py_BuildValue(
	    "nnnKK", (Py_ssize_t)summary.weights, (Py_ssize_t)summary.kept,
	    (Py_ssize_t)summary.plain, size_of(summary.file_size),
	    size_of(summary.data_size));
}

static PyObject *thin_row(const quire_thin_row *row)
{
	return Py_BuildValue(
	    "NNNNNsK", quire_core_text(row->node),
	    quire_core_text(row->op_type), quire_core_text(row->source),
	    quire_core_text(row->tensor), quire_core_text(row->reason),
	    quire_thin_outcome_name(row->outcome), size_of(row->size));
}

static PyObject *thin_report(const quire_thin_report *report)
{
	PyObject *rows = PyList_New(0);

	for (size_t i = 0; rows && i < report->count; i++)
		if (!append(rows, thin_row(&report->rows[i])))
			Py_CLEAR(rows);
	if (!rows)
		return NULL;
	return Py_BuildValue(
	    "NnnnnnKK", rows, (Py_ssize_t)report->linears,
	    (Py_ssize_t)report->groups, (Py_ssize_t)report->embeddings,
	    (Py_ssize_t)report->constants, (Py_ssize_t)report->kept,
	    size_of(report->source_size), size_of(report->file_size));
}

/* thin(job, onnx, gguf, thin, threads, overwrite) */
static PyObject *thin(PyObject *module, PyObject *args)
{
	quire_thin_options options = { .progress = quire_core_progress };
	quire_thin_report *report = NULL;
	const char *onnx, *gguf, *path;
	quire_status status;
	quire_error error;
	PyObject *result;
	int overwrite;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!yyyIp", quire_core_job_type,
			      &options.context, &onnx, &gguf, &path,
			      &options.threads, &overwrite))
		return NULL;
	options.overwrite = overwrite;
	Py_BEGIN_ALLOW_THREADS status =
	    quire_thin_onnx(onnx, gguf, path, &options, &report, &error);
	Py_END_ALLOW_THREADS if (status !=
				 QUIRE_OK) return quire_core_fail(&error);
	result = thin_report(report);
	quire_thin_report_free(report);
	return result;
}

static PyMethodDef functions[] = {
	{ "convert", convert, METH_VARARGS, NULL },
	{ "compare", compare, METH_VARARGS, NULL },
	{ "export", export_model, METH_VARARGS, NULL },
	{ "thin", thin, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

bool quire_core_add_convert(PyObject *module)
{
	return quire_core_add_functions(module, functions);
}
