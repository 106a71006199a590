/*
 * batch.c - hands products to a runtime's device. Without a device a batch
 * gathers nothing, and the CPU multiplies at once.
 */
#include <stdlib.h>

#include "base/error.h"
#include "runtime/batch.h"
#include "runtime/runtime.h"

struct quire_batch {
	quire_runtime *runtime;
	void *work; /* of the device; NULL without one */
};

quire_status quire_runtime_begin(quire_runtime *runtime, quire_batch **batch,
				 quire_error *error)
{
	const struct accelerator *accelerator = &runtime->accelerator;
	quire_batch *begun = calloc(1, sizeof(*begun));
	quire_status status = QUIRE_OK;

	if (!begun)
		return quire_fail_memory(error, sizeof(*begun));
	begun->runtime = runtime;
	if (accelerator->ops)
		status = accelerator->ops->begin(accelerator->device,
						 &begun->work, error);
	if (status == QUIRE_OK)
		*batch = begun;
	else
		free(begun);
	return status;
}

quire_status quire_runtime_end(quire_batch *batch, quire_error *error)
{
	const struct accelerator *accelerator;
	quire_status status = QUIRE_OK;

	if (!batch)
		return QUIRE_OK;
	accelerator = &batch->runtime->accelerator;
	if (accelerator->ops) {
		status = accelerator->ops->flush(batch->work, error);
		accelerator->ops->end(batch->work);
	}
	free(batch);
	return status;
}

static quire_status multiply_alone(const struct accelerator *accelerator,
				   const struct request *request,
				   quire_error *error)
{
	void *work;
	quire_status status =
	    accelerator->ops->begin(accelerator->device, &work, error);

	if (status != QUIRE_OK)
		return status;
	status = accelerator->ops->multiply(work, request, error);
	if (status == QUIRE_OK)
		status = accelerator->ops->flush(work, error);
	accelerator->ops->end(work);
	return status;
}

bool quire_device_multiply(quire_runtime *runtime, quire_batch *batch,
			   const struct request *request, quire_status *status,
			   quire_error *error)
{
	const struct accelerator *accelerator = &runtime->accelerator;

	if (batch && batch->runtime != runtime) {
		*status =
		    quire_fail(error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			       "the batch belongs to another runtime");
		return true;
	}
	if (!accelerator->ops)
		return false;
	if (!runtime->device_only &&
	    !accelerator->ops->covers(accelerator->device, request)) {
		*status = batch ? accelerator->ops->flush(batch->work, error)
				: QUIRE_OK;
		return *status != QUIRE_OK;
	}
	*status = batch
		      ? accelerator->ops->multiply(batch->work, request, error)
		      : multiply_alone(accelerator, request, error);
	return true;
}
