/*
 * device.h - what a device beside the CPU must offer the runtime, and how the
 * runtime asks. The runtime declares it and metal/ defines it, as dependencies
 * point one way.
 *
 * `device` is what quire_metal_open gave; any threads may use it at once.
 * `work` is a batch under way, for one thread at a time.
 */
#ifndef QUIRE_RUNTIME_DEVICE_H
#define QUIRE_RUNTIME_DEVICE_H

#include "quire.h"
#include "runtime/request.h"

struct accelerator_ops {
	quire_status (*attach)(void *device, const quire_model *model,
			       quire_error *error);
	void (*detach)(void *device, const quire_model *model);
	/* Whether the device has these weights and a kernel for them. */
	bool (*covers)(void *device, const struct request *request);

	quire_status (*begin)(void *device, void **work, quire_error *error);
	/* Adds a product of more than no rows and columns: reads its x; its y
	 * is written by `flush`. */
	quire_status (*multiply)(void *work, const struct request *request,
				 quire_error *error);
	quire_status (*flush)(void *work, quire_error *error);
	/* Drops what was not flushed. */
	void (*end)(void *work);

	/* Fills in what concerns the device, all of which was zero. */
	void (*describe)(void *device, quire_runtime_info *info);
	void (*close)(void *device);
};

struct accelerator {
	const struct accelerator_ops *ops; /* NULL: there is none */
	void *device;
};

/* UNSUPPORTED where there is no such device. */
quire_status quire_metal_open(struct accelerator *accelerator,
			      quire_error *error);

/*
 * Multiplies on the runtime's device, in the batch if that is not NULL.
 * Returns false if the CPU is to do it, which then finds every y of the
 * batch written. Else *status is the outcome.
 */
bool quire_device_multiply(quire_runtime *runtime, quire_batch *batch,
			   const struct request *request, quire_status *status,
			   quire_error *error);

#endif
