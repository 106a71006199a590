/*
 * cpu_share.h - how many threads a product should have, by what else runs on
 * the machine. Where no CPU is free for a thread, its product waits for
 * milliseconds whenever that thread loses its CPU in the middle of an item.
 */
#ifndef QUIRE_RUNTIME_CPU_SHARE_H
#define QUIRE_RUNTIME_CPU_SHARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cpu_load.h"

/* So many looks at the machine are remembered. */
#define QUIRE_CPU_SHARE_LOOKS 4

/* Any number of threads may use one. */
struct cpu_share {
	/* Constant: CPUs of the machine, and those the process may use. */
	uint32_t cpus, allowed;
	struct cpu_load load;

	/* What the looks say: the most CPUs that other threads left free at
	 * one of them, and whether to leave half of the CPUs if that is 0. */
	_Atomic uint32_t unused;
	atomic_bool yields;
	_Atomic double ended; /* when a product did, in seconds; 0: never */

	/* The rest belongs to the thread that has set `looking`. */
	atomic_flag looking;
	double looked; /* when */
	uint32_t others[QUIRE_CPU_SHARE_LOOKS];
	uint32_t count;	  /* of looks */
	uint32_t yielded; /* looks since it began to yield */
	double yields_at; /* when it yields next */
	double pause;	  /* after that, in seconds */
};

/* Asks the system for the CPUs, and opens what counts its threads. */
void quire_cpu_share_init(struct cpu_share *share);
void quire_cpu_share_destroy(struct cpu_share *share);

/*
 * The threads, at least 1 and at most `most`, of a product that is about to
 * begin. `own` threads of the runtime run now, with the caller. The product is
 * `brief` as quire_thread_pool_run says.
 */
uint32_t quire_cpu_share_threads(struct cpu_share *share, uint32_t most,
				 uint32_t own, bool brief);

/* The same by the looks so far. */
uint32_t quire_cpu_share_divide(const struct cpu_share *share, uint32_t most,
				bool brief);

/* A product has ended. */
void quire_cpu_share_end(struct cpu_share *share);

/* A look at `now`, in seconds, when `others` threads ran that are not the
 * runtime's. Of the thread that has set `looking`. */
void quire_cpu_share_note(struct cpu_share *share, double now, uint32_t others);

#endif
