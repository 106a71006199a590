/*
 * runtime.h - what a quire_runtime is made of.
 */
#ifndef QUIRE_RUNTIME_RUNTIME_H
#define QUIRE_RUNTIME_RUNTIME_H

#include "runtime/crew.h"
#include "runtime/kernel_set.h"
#include "runtime/scratch_list.h"

/* Constant after its creation, but for what is behind the mutexes of `crew`
 * and `scratch`; so any number of threads may use one. */
struct quire_runtime {
	quire_device device;
	const struct kernel_set *set;
	struct crew crew;
	struct scratch_list scratch;
};

#endif
