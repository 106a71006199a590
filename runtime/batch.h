/*
 * batch.h - products on a runtime's device, one by one or in a batch.
 */
#ifndef QUIRE_RUNTIME_BATCH_H
#define QUIRE_RUNTIME_BATCH_H

#include "runtime/request.h"

/*
 * Multiplies on the runtime's device, in the batch if that is not NULL. Returns
 * false if the CPU is to multiply; every y of the batch is then written. Else
 * *status is the outcome.
 */
bool quire_device_multiply(quire_runtime *runtime, quire_batch *batch,
			   const struct request *request, quire_status *status,
			   quire_error *error);

#endif
