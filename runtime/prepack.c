/*
 * prepack.c - which weights of a model are laid out beforehand: those of its
 * linears, or, of a file that names none, all matrices.
 */
#include "loader/lazy.h"
#include "runtime/prepacked_list.h"
#include "runtime/runtime.h"

static quire_status prepack_tensor(quire_runtime *runtime,
				   const quire_model *model,
				   const quire_tensor *tensor,
				   quire_error *error)
{
	const quire_status status = quire_tensor_check(tensor, error);

	if (status != QUIRE_OK)
		return status;
	return quire_prepacked_add(&runtime->prepacked, &runtime->kernels,
				   &runtime->crew, model, tensor, error);
}

quire_status quire_runtime_prepack(quire_runtime *runtime,
				   const quire_model *model, quire_error *error)
{
	const size_t linears = quire_model_linear_count(model);
	const size_t count =
	    linears ? linears : quire_model_tensor_count(model);
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < count && status == QUIRE_OK; i++)
		status = prepack_tensor(
		    runtime, model,
		    linears ? quire_model_linear(model, i)->weight
			    : quire_model_tensor(model, i),
		    error);
	if (status != QUIRE_OK)
		quire_prepacked_remove(&runtime->prepacked, model);
	return status;
}
