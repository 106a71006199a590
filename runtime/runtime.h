/*
 * runtime.h - what a quire_runtime is made of.
 */
#ifndef QUIRE_RUNTIME_RUNTIME_H
#define QUIRE_RUNTIME_RUNTIME_H

#include "base/crew.h"
#include "runtime/cpu_share.h"
#include "runtime/device.h"
#include "runtime/kernel_set.h"
#include "runtime/prepacked_list.h"
#include "runtime/scratch_list.h"

/* Constant after its creation, but for what the locks of its parts guard; so
 * any number of threads may use one. */
struct quire_runtime {
	quire_device device;
	struct kernel_table kernels;
	struct crew crew;
	struct cpu_share share;	     /* of the crew's own pool */
	struct scratch_list scratch; /* of products */
	struct scratch_list jobs;    /* of quire_linear_run_many */
	struct prepacked_list prepacked;
	struct accelerator accelerator;
	bool device_only; /* the CPU never multiplies in its place */
};

/* quire_runtime_create with the kernels of `set`, which this CPU must be able
 * to run and which must outlive the runtime. So a test chooses one form of a
 * set, or adds a kernel of its own. options->kernels is not read, but that it
 * is set still means the CPU, and `options` is not NULL. */
quire_status quire_runtime_create_with(const struct kernel_set *set,
				       const quire_runtime_options *options,
				       quire_runtime **runtime,
				       quire_error *error);

#endif
