/*
 * runtime.h - what a quire_runtime is made of.
 */
#ifndef QUIRE_RUNTIME_RUNTIME_H
#define QUIRE_RUNTIME_RUNTIME_H

#include "base/crew.h"
#include "runtime/device.h"
#include "runtime/kernel_set.h"
#include "runtime/prepacked.h"
#include "runtime/scratch_list.h"

/* Constant after its creation, but for what is behind the mutexes of `crew`,
 * `scratch`, `prepacked` and the device; so any number of threads may use one.
 */
struct quire_runtime {
	quire_device device;
	const struct kernel_set *set;
	struct crew crew;
	struct scratch_list scratch;
	struct prepacked prepacked;
	struct accelerator accelerator;
	bool device_only; /* what the device cannot do is an error */
};

#endif
