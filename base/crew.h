/*
 * crew.h - threads that share items of work: pthreadpool's, the caller's, or
 * the calling thread alone.
 */
#ifndef QUIRE_BASE_CREW_H
#define QUIRE_BASE_CREW_H

#include <pthreadpool.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread.h"
#include "quire.h"

/* `worker` is below the `workers` of the call, and no two tasks of one worker
 * run at once: tasks choose their scratch memory by it. */
typedef void (*crew_task_fn)(void *context, size_t worker, size_t item);

/* A call of quire_crew_run. */
struct crew_run {
	atomic_size_t next;  /* the first item that no worker has taken */
	atomic_size_t ended; /* workers */
	size_t count;
	crew_task_fn task;
	void *context;
};

struct crew {
	uint32_t threads;
	quire_parallel_for_fn parallel_for; /* the caller's, or NULL */
	void *caller_pool;
	pthreadpool_t pool; /* NULL: serial, or the caller's */
	uint32_t pool_flags;
	struct mutex mutex;
	struct crew_run run; /* of `pool`, one at a time, under `mutex` */
};

/* More than any machine can use. pthreadpool does not check whether its threads
 * could be started, and with a much larger number would hang. */
#define QUIRE_CREW_MAX_THREADS 1024

/*
 * A crew of `threads` (0: one for each CPU), over the caller's parallel_for or,
 * if that is NULL, over a pool of our own. Any threads may use it at once.
 * Fails with ARGUMENT above QUIRE_CREW_MAX_THREADS, and with MEMORY.
 */
quire_status quire_crew_init(struct crew *crew, uint32_t threads,
			     quire_parallel_for_fn parallel_for,
			     void *caller_pool);
void quire_crew_destroy(struct crew *crew);

/*
 * for (item = 0; item < count; item++)
 *	task(context, 0, item);
 *
 * but on up to `workers` threads, each of which takes the next item when it has
 * finished one.
 * What a task writes is visible when this returns.
 */
void quire_crew_run(struct crew *crew, size_t workers, size_t count,
		    crew_task_fn task, void *context);

#endif
