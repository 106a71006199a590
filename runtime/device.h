/*
 * device.h - what a device other than the CPU must offer the runtime. The
 * runtime declares it and metal/ defines it, as dependencies point one way.
 */
#ifndef QUIRE_RUNTIME_DEVICE_H
#define QUIRE_RUNTIME_DEVICE_H

#include "quire.h"

/* Creates a runtime on the Metal device. UNSUPPORTED where there is none. */
quire_status quire_metal_create(const quire_runtime_options *options,
				quire_runtime **runtime, quire_error *error);

#endif
