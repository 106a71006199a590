/*
 * digest_many.c - gives jobs to threads, the largest first. The digest of all
 * tensors together is one stream, and the largest job: with two threads the
 * other one hashes each tensor meanwhile.
 */
#include <stdlib.h>

#include "base/cpu.h"
#include "base/crew.h"
#include "base/thread.h"
#include "cli/verify/digest_many.h"

/* Bytes between two calls of progress. */
#define STEP_SIZE ((uint64_t)16 << 20)

struct work {
	const quire_model *model;
	const struct digest_how *how;
	struct digest_job **order;
	uint64_t total;
	struct mutex lock; /* for what follows */
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

static void report(struct work *work, uint64_t size)
{
	quire_mutex_lock(&work->lock);
	work->done += size;
	if (work->how->progress)
		(void)work->how->progress(work->how->context, work->done,
					  work->total);
	quire_mutex_unlock(&work->lock);
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

/* False: out of memory. */
static bool hash(struct work *work, struct digest_job *job)
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

static void run_job(void *context, size_t worker, size_t index)
{
	struct work *work = context;

	(void)worker;
	if (hash(work, work->order[index]))
		return;
	quire_mutex_lock(&work->lock);
	work->failed = true;
	quire_mutex_unlock(&work->lock);
}

/* One thread if there is no memory for more. */
static void run_jobs(struct work *work, size_t count)
{
	const size_t asked =
	    work->how->threads ? work->how->threads : quire_cpu_count();
	struct crew crew;

	if (quire_crew_init(&crew, (uint32_t)(asked < count ? asked : count),
			    NULL, NULL) != QUIRE_OK)
		(void)quire_crew_init(&crew, 1, NULL, NULL);
	quire_crew_run(&crew, crew.threads, count, run_job, work);
	quire_crew_destroy(&crew);
}

bool digest_many(const quire_model *model, struct digest_job *jobs,
		 size_t count, const struct digest_how *how)
{
	struct work work = { .model = model, .how = how };

	if (count == 0)
		return true;
	work.order = calloc(count, sizeof(struct digest_job *));
	if (!work.order || !quire_mutex_init(&work.lock)) {
		free(work.order);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		work.order[i] = &jobs[i];
		work.total += job_size(model, &jobs[i]);
	}
	qsort(work.order, count, sizeof(struct digest_job *), compare_jobs);
	run_jobs(&work, count);
	quire_mutex_destroy(&work.lock);
	free(work.order);
	return !work.failed;
}
