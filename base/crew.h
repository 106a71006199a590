/*
 * crew.h - threads that share items of work: a pool of the library's, the
 * caller's, or the calling thread alone.
 */
#ifndef QUIRE_BASE_CREW_H
#define QUIRE_BASE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/thread_pool.h"
#include "quire.h"

/* `worker` is below the `workers` of the call, and no two tasks of one worker
 * run at once: tasks choose their scratch memory by it. */
typedef void (*crew_task_fn)(void *context, size_t worker, size_t item);

struct crew {
	uint32_t threads;		    /* with the one that calls */
	quire_parallel_for_fn parallel_for; /* the caller's, or NULL */
	void *caller_pool;
	struct thread_pool *pool; /* NULL: serial, or the caller's */
};

#define QUIRE_CREW_MAX_THREADS (QUIRE_THREAD_POOL_MAX + 1)

/*
 * A crew of `threads` (0: one for each CPU that the process may use), over the
 * caller's parallel_for or, if that is NULL, over a pool of the library's. If
 * the system does not start so many threads, `threads` of the crew is lower.
 * Any threads may use it at once. Fails with ARGUMENT above
 * QUIRE_CREW_MAX_THREADS, and with MEMORY.
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
 * finished one. Fewer may take part, so a task must not wait for another worker
 * to begin. What a task writes is visible when this returns.
 */
void quire_crew_run(struct crew *crew, size_t workers, size_t count,
		    crew_task_fn task, void *context);

/* The same for a run that may be brief (quire_thread_pool_run). */
void quire_crew_run_brief(struct crew *crew, size_t workers, size_t count,
			  bool brief, crew_task_fn task, void *context);

#endif
