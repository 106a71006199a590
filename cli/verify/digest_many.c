/*
 * digest_many.c - threads that take jobs, the largest first. The digest of
 * all tensors is one stream and the largest job of all: with two threads the
 * other one has the tensors done meanwhile.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/verify/digest_many.h"

/* Bytes between two reports of progress. */
#define STEP_SIZE ((uint64_t)16 << 20)

struct work {
	const quire_model *model;
	const struct digest_how *how;
	struct digest_job **order;
	size_t count;
	uint64_t total;
	pthread_mutex_t lock; /* of all below */
	size_t next;
	uint64_t done;
	bool failed;
};

static uint64_t job_size(const quire_model *model, const struct digest_job *job)
{
	uint64_t size = 0;

	if (job->tensor)
		return job->tensor->size;
	for (size_t i = 0; i < quire_model_tensor_count(model); i++)
		size += quire_model_tensor(model, i)->size;
	return size;
}

static int compare_jobs(const void *a, const void *b)
{
	const struct digest_job *x = *(struct digest_job *const *)a;
	const struct digest_job *y = *(struct digest_job *const *)b;

	if (!x->tensor || !y->tensor)
		return (x->tensor ? 1 : 0) - (y->tensor ? 1 : 0);
	if (x->tensor->size != y->tensor->size)
		return x->tensor->size < y->tensor->size ? 1 : -1;
	return x < y ? -1 : 1;
}

static struct digest_job *take(struct work *work)
{
	struct digest_job *job = NULL;

	pthread_mutex_lock(&work->lock);
	if (!work->failed && work->next < work->count)
		job = work->order[work->next++];
	pthread_mutex_unlock(&work->lock);
	return job;
}

static void report(struct work *work, uint64_t size)
{
	pthread_mutex_lock(&work->lock);
	work->done += size;
	if (work->how->progress)
		(void)work->how->progress(work->how->context, work->done,
					  work->total);
	pthread_mutex_unlock(&work->lock);
}

static void update(struct work *work, struct digest *digest,
		   const quire_tensor *tensor)
{
	const unsigned char *bytes = tensor->data;

	for (uint64_t at = 0; at < tensor->size; at += STEP_SIZE) {
		const uint64_t rest = tensor->size - at;
		const size_t size =
		    (size_t)(rest < STEP_SIZE ? rest : STEP_SIZE);

		digest_update(digest, bytes + at, size);
		report(work, size);
	}
}

static bool run_job(struct work *work, struct digest_job *job)
{
	struct digest *digest;

	if (job->tensor && job->kind == DIGEST_XXH3) {
		digest_xxh3(job->tensor, job->text);
		report(work, job->tensor->size);
		return true;
	}
	digest = digest_create(job->kind);
	if (!digest)
		return false;
	if (job->tensor)
		update(work, digest, job->tensor);
	for (size_t i = 0;
	     !job->tensor && i < quire_model_tensor_count(work->model); i++)
		update(work, digest, quire_model_tensor(work->model, i));
	digest_print(digest, job->text);
	digest_free(digest);
	return true;
}

static void *run_jobs(void *context)
{
	struct work *work = context;
	struct digest_job *job;

	while ((job = take(work))) {
		if (run_job(work, job))
			continue;
		pthread_mutex_lock(&work->lock);
		work->failed = true;
		pthread_mutex_unlock(&work->lock);
	}
	return NULL;
}

/* The caller is one of the threads; fewer do where no more can be started. */
static void run_threads(struct work *work, pthread_t *threads, size_t count)
{
	size_t started = 0;

	while (started < count &&
	       pthread_create(&threads[started], NULL, run_jobs, work) == 0)
		started++;
	run_jobs(work);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static size_t thread_count(const struct work *work)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = work->how->threads;

	if (count == 0)
		count = cpus < 1 ? 1 : (size_t)cpus;
	return count < work->count ? count : work->count;
}

bool digest_many(const quire_model *model, struct digest_job *jobs,
		 size_t count, const struct digest_how *how)
{
	struct work work = { .model = model, .how = how, .count = count };
	pthread_t *threads;
	size_t others;

	if (count == 0)
		return true;
	others = thread_count(&work) - 1;
	work.order = calloc(count, sizeof(struct digest_job *));
	threads = calloc(others + 1, sizeof(*threads));
	work.failed = !work.order || !threads ||
		      pthread_mutex_init(&work.lock, NULL) != 0;
	if (!work.failed) {
		for (size_t i = 0; i < count; i++) {
			work.order[i] = &jobs[i];
			work.total += job_size(model, &jobs[i]);
		}
		qsort(work.order, count, sizeof(struct digest_job *),
		      compare_jobs);
		run_threads(&work, threads, others);
		pthread_mutex_destroy(&work.lock);
	}
	free(threads);
	free(work.order);
	return !work.failed;
}
