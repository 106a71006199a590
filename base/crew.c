/*
 * crew.c - distributes items of work over threads. Knows nothing of the work.
 *
 * The pool gets one task for each worker, and workers take items from a
 * counter. So the number of workers bounds the scratch memory whatever the pool
 * is, and a thread that the system delays takes fewer items.
 */
#include "base/crew.h"

#include "base/cpu.h"

quire_status quire_crew_init(struct crew *crew, uint32_t threads,
			     quire_parallel_for_fn parallel_for,
			     void *caller_pool)
{
	const uint32_t cpus = quire_cpu_count();

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
		/* Threads spin while they wait for work. That is fast, but
		 * very slow where there are more threads than CPUs. */
		.pool_flags =
		    threads > cpus ? PTHREADPOOL_FLAG_YIELD_WORKERS : 0,
	};
	if (threads == 1 || crew->parallel_for)
		return QUIRE_OK;
	if (!quire_mutex_init(&crew->mutex))
		return QUIRE_ERROR_MEMORY;
	atomic_init(&crew->run.next, 0);
	atomic_init(&crew->run.ended, 0);
	crew->pool = pthreadpool_create(threads);
	if (crew->pool)
		return QUIRE_OK;
	quire_mutex_destroy(&crew->mutex);
	return QUIRE_ERROR_MEMORY;
}

void quire_crew_destroy(struct crew *crew)
{
	if (!crew->pool)
		return;
	pthreadpool_destroy(crew->pool);
	quire_mutex_destroy(&crew->mutex);
	crew->pool = NULL;
}

/*
 * A worker reads `next` before anything else of the run and writes `ended`
 * last: their acquire and release order what one thread writes before what
 * another one reads, whatever the pool does. So ThreadSanitizer does not need
 * to see into pthreadpool, if the counters exist before the pool's threads
 * start: that is why the pool's run is a member of the crew.
 */
static void run_worker(void *context, size_t worker)
{
	struct crew_run *run = context;
	size_t item =
	    atomic_fetch_add_explicit(&run->next, 1, memory_order_acq_rel);

	while (item < run->count) {
		run->task(run->context, worker, item);
		item = atomic_fetch_add_explicit(&run->next, 1,
						 memory_order_relaxed);
	}
	atomic_fetch_add_explicit(&run->ended, 1, memory_order_release);
}

static void begin(struct crew_run *run, size_t count, crew_task_fn task,
		  void *context)
{
	run->count = count;
	run->task = task;
	run->context = context;
	atomic_store_explicit(&run->ended, 0, memory_order_relaxed);
	atomic_store_explicit(&run->next, 0, memory_order_release);
}

static void end(struct crew_run *run)
{
	(void)atomic_load_explicit(&run->ended, memory_order_acquire);
}

void quire_crew_run(struct crew *crew, size_t workers, size_t count,
		    crew_task_fn task, void *context)
{
	struct crew_run run;

	if (workers > crew->threads)
		workers = crew->threads;
	if (workers > count)
		workers = count;
	if (workers <= 1) {
		for (size_t item = 0; item < count; item++)
			task(context, 0, item);
		return;
	}
	if (crew->parallel_for) {
		begin(&run, count, task, context);
		crew->parallel_for(crew->caller_pool, run_worker, &run,
				   workers);
		end(&run);
		return;
	}
	quire_mutex_lock(&crew->mutex);
	begin(&crew->run, count, task, context);
	pthreadpool_parallelize_1d(crew->pool, run_worker, &crew->run, workers,
				   crew->pool_flags);
	end(&crew->run);
	quire_mutex_unlock(&crew->mutex);
}
