/*
 * crew.c - distributes items of work over threads. Knows nothing of the work.
 *
 * Workers take items from a counter. So the number of workers bounds the
 * scratch memory whatever the pool is, and a thread that the system delays
 * takes fewer items.
 */
#include "base/crew.h"

#include <stdatomic.h>

#include "base/cpu.h"

/* A call of quire_crew_run. */
struct run {
	atomic_size_t next;  /* the first item that no worker has taken */
	atomic_size_t ended; /* workers */
	size_t count;
	crew_task_fn task;
	void *context;
};

quire_status quire_crew_init(struct crew *crew, uint32_t threads,
			     quire_parallel_for_fn parallel_for,
			     void *caller_pool)
{
	/* Counting takes the system a while. */
	const bool counts = threads == 0 || (threads > 1 && !parallel_for);
	const uint32_t cpus = counts ? quire_cpu_count() : 1;

	if (threads > QUIRE_CREW_MAX_THREADS)
		return QUIRE_ERROR_ARGUMENT;
	if (threads == 0)
		threads = cpus;
	if (threads > QUIRE_CREW_MAX_THREADS)
		threads = QUIRE_CREW_MAX_THREADS;
	*crew = (struct crew){
		.threads = threads,
		.parallel_for = parallel_for,
		.caller_pool = caller_pool,
	};
	if (threads == 1 || parallel_for)
		return QUIRE_OK;
	crew->pool = quire_thread_pool_create(threads - 1, cpus);
	if (!crew->pool)
		return QUIRE_ERROR_MEMORY;
	crew->threads = quire_thread_pool_size(crew->pool) + 1;
	return QUIRE_OK;
}

void quire_crew_destroy(struct crew *crew)
{
	if (!crew->pool)
		return;
	quire_thread_pool_destroy(crew->pool);
	crew->pool = NULL;
}

/*
 * A worker reads `next` before anything else of the run and writes `ended`
 * last: their acquire and release order what one thread writes before what
 * another one reads, whatever the caller's parallel_for does.
 */
static void run_worker(void *context, size_t worker)
{
	struct run *run = context;
	size_t item =
	    atomic_fetch_add_explicit(&run->next, 1, memory_order_acq_rel);

	while (item < run->count) {
		run->task(run->context, worker, item);
		item = atomic_fetch_add_explicit(&run->next, 1,
						 memory_order_relaxed);
	}
	atomic_fetch_add_explicit(&run->ended, 1, memory_order_release);
}

void quire_crew_run_brief(struct crew *crew, size_t workers, size_t count,
			  bool brief, crew_task_fn task, void *context)
{
	struct run run = { .count = count, .task = task, .context = context };

	if (workers > crew->threads)
		workers = crew->threads;
	if (workers > count)
		workers = count;
	if (workers <= 1) {
		for (size_t item = 0; item < count; item++)
			task(context, 0, item);
		return;
	}
	atomic_init(&run.ended, 0);
	atomic_init(&run.next, 0);
	atomic_store_explicit(&run.next, 0, memory_order_release);
	if (crew->parallel_for)
		crew->parallel_for(crew->caller_pool, run_worker, &run,
				   workers);
	else
		quire_thread_pool_run(crew->pool, (uint32_t)workers - 1, brief,
				      run_worker, &run);
	(void)atomic_load_explicit(&run.ended, memory_order_acquire);
}

void quire_crew_run(struct crew *crew, size_t workers, size_t count,
		    crew_task_fn task, void *context)
{
	quire_crew_run_brief(crew, workers, count, false, task, context);
}
