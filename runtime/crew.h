/*
 * crew.h - the threads of a runtime: pthreadpool's, the caller's, or none.
 */
#ifndef QUIRE_RUNTIME_CREW_H
#define QUIRE_RUNTIME_CREW_H

#include <pthread.h>
#include <pthreadpool.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "quire.h"

/* `strand` is below the `strands` of the call and no two tasks of one strand
 * run at once: it is what a task's scratch memory goes by. */
typedef void (*crew_task_fn)(void *context, size_t strand, size_t item);

/* Items of work under way. */
struct crew_run {
	atomic_size_t next;  /* the first item that nobody has taken */
	atomic_size_t ended; /* strands */
	size_t count;
	crew_task_fn task;
	void *context;
};

struct crew {
	uint32_t threads;
	quire_parallel_for_fn parallel_for; /* NULL: not the caller's */
	void *caller_pool;
	pthreadpool_t pool; /* NULL: serial, or the caller's */
	uint32_t pool_flags;
	pthread_mutex_t mutex;
	struct crew_run run; /* of `pool`, which has one at a time; `mutex` */
};

/* Any thread may then use the crew, many at once. Fails with MEMORY, and with
 * ARGUMENT for more threads than pthreadpool should be asked for. */
quire_status quire_crew_init(struct crew *crew,
			     const quire_runtime_options *options,
			     quire_error *error);
void quire_crew_destroy(struct crew *crew);

/*
 * for (item = 0; item < count; item++)
 *	task(context, 0, item);
 *
 * but on up to `strands` threads, each taking the next item as it is free.
 * What a task writes is visible when this returns.
 */
void quire_crew_run(struct crew *crew, size_t strands, size_t count,
		    crew_task_fn task, void *context);

#endif
