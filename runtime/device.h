/*
 * device.h - what a device beside the CPU offers the runtime. The runtime
 * declares it and metal/ defines it, as dependencies point one way.
 *
 * `device` is what quire_metal_open gave; any number of threads may use it.
 * `work` is a batch under way, and for one thread at a time.
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
	/* Adds a product of at least one row and column. It reads x now;
	 * `flush` writes y. */
	quire_status (*multiply)(void *work, const struct request *request,
				 quire_error *error);
	quire_status (*flush)(void *work, quire_error *error);
	/* Drops products that were not flushed. */
	void (*end)(void *work);

	/* Fills in the fields that are the device's; they were zero. */
	void (*describe)(void *device, quire_runtime_info *info);
	void (*close)(void *device);
};

struct accelerator {
	const struct accelerator_ops *ops; /* NULL: there is no device */
	void *device;
};

/* UNSUPPORTED where there is no such device. */
quire_status quire_metal_open(struct accelerator *accelerator,
			      quire_error *error);

#endif
