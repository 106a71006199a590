/*
 * shared_pool.c - threads that two builds of libquire share, for
 * compare_libraries.py: with a pool each, one build's idle threads would spin
 * while the other multiplies.
 */
#include <stdlib.h>

#include "base/crew.h"

struct crew *shared_pool_create(uint32_t threads);
void shared_pool_run(struct crew *crew, quire_task_fn task, void *context,
		     size_t count);

struct job {
	quire_task_fn task;
	void *context;
};

static void run_item(void *context, size_t worker, size_t item)
{
	const struct job *job = context;

	(void)worker;
	job->task(job->context, item);
}

/* NULL: the threads cannot be started. It lives as long as the process. */
struct crew *shared_pool_create(uint32_t threads)
{
	struct crew *crew = malloc(sizeof(*crew));

	if (crew && quire_crew_init(crew, threads, NULL, NULL) == QUIRE_OK)
		return crew;
	free(crew);
	return NULL;
}

/* A quire_parallel_for_fn. */
void shared_pool_run(struct crew *crew, quire_task_fn task, void *context,
		     size_t count)
{
	struct job job = { task, context };

	quire_crew_run(crew, crew->threads, count, run_item, &job);
}
