/*
 * rewrite.c - quire_copy for Python: stamp and strip.
 */
#include "core.h"

/* What is damaged must not lose the checksums that show it. */
static quire_status verify(const quire_copy *copy,
			   const quire_copy_options *how, quire_error *error)
{
	const quire_verify_options options = { .threads = how->threads,
					       .progress = how->progress,
					       .context = how->context };

	return quire_model_verify(quire_copy_model(copy), &options, error);
}

static quire_status copy_model(const char *path, const char *output,
			       const quire_copy_options *how,
			       quire_error *error)
{
	quire_copy *copy;
	quire_status status = quire_copy_open(path, false, &copy, error);

	if (status != QUIRE_OK)
		return status;
	if (how->plain)
		status = verify(copy, how, error);
	if (status == QUIRE_OK)
		status = quire_copy_write(copy, output, how, error);
	quire_copy_close(copy);
	return status;
}

/* copy(job, path, output, plain, alignment, threads, overwrite) */
static PyObject *copy(PyObject *module, PyObject *args)
{
	quire_copy_options how = { .progress = quire_core_progress };
	const char *path, *output;
	int plain, overwrite;
	quire_status status;
	quire_error error;

	(void)module;
	if (!PyArg_ParseTuple(args, "O!yypIIp", quire_core_job_type,
			      &how.context, &path, &output, &plain,
			      &how.alignment, &how.threads, &overwrite))
		return NULL;
	how.plain = plain;
	how.overwrite = overwrite;
	Py_BEGIN_ALLOW_THREADS status = copy_model(path, output, &how, &error);
	Py_END_ALLOW_THREADS if (status !=
				 QUIRE_OK) return quire_core_fail(&error);
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{ "copy", copy, METH_VARARGS, NULL },
	{ NULL, NULL, 0, NULL },
};

bool quire_core_add_rewrite(PyObject *module)
{
	return quire_core_add_functions(module, functions);
}
