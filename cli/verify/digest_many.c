/*
 * digest_many.c - gives jobs to threads, the largest first. The digest of all
 * tensors together is one stream, and the largest job: with two threads the
 * other one hashes each tensor meanwhile.
 */
#include <stdlib.h>

#include "base/cpu.h"
#include "base/crew.h"
#include "base/error.h"
#include "base/thread.h"
#include "cli/verify/digest_many.h"

/* Bytes between two calls of progress. */
#define STEP_SIZE ((uint64_t)16 << 20)

struct place {
	struct digest_job *job;
	uint64_t size;
};

struct work {
	const quire_model *model;
	const struct digest_how *how;
	struct place *order;
	uint64_t total;
	struct mutex lock; /* for what follows */
	uint64_t done;
	quire_status status;
	quire_error error;
};

/* --------------------------------------------------------- a job's bytes */

/* Takes the next bytes of a job; false ends the walk. */
typedef bool (*visit_fn)(void *context, const unsigned char *bytes,
			 uint64_t size);

static bool walk_tensors(const quire_model *model, visit_fn visit,
			 void *context)
{
	const size_t count = quire_model_tensor_count(model);

	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		if (!visit(context, tensor->data, tensor->size))
			return false;
	}
	return true;
}

/* A file without tensors may end where its data section would be padded to. */
static uint64_t header_size(const quire_part *part)
{
	return part->data_offset < part->file_size ? part->data_offset
						   : part->file_size;
}

/* Before, between and behind the tensors of the data section, which are in the
 * order of the file (F-19). */
static bool walk_padding(const quire_model *model, const quire_part *part,
			 visit_fn visit, void *context)
{
	const unsigned char *bytes = part->data;
	uint64_t at = header_size(part);

	for (size_t i = 0; i < part->tensor_count; i++) {
		const quire_tensor *tensor =
		    quire_model_tensor(model, part->first_tensor + i);

		if (!visit(context, bytes + at, tensor->offset - at))
			return false;
		at = tensor->offset + tensor->size;
	}
	return visit(context, bytes + at, part->file_size - at);
}

static bool walk(const quire_model *model, const struct digest_job *job,
		 visit_fn visit, void *context)
{
	quire_part part;

	switch (job->what) {
	case DIGEST_TENSOR:
		return visit(context, job->tensor->data, job->tensor->size);
	case DIGEST_TENSORS:
		return walk_tensors(model, visit, context);
	default:
		break;
	}
	if (!quire_model_part(model, job->part, &part))
		return true;
	if (job->what == DIGEST_HEADER)
		return visit(context, part.data, header_size(&part));
	if (job->what == DIGEST_FILE)
		return visit(context, part.data, part.file_size);
	return walk_padding(model, &part, visit, context);
}

static bool add_size(void *context, const unsigned char *bytes, uint64_t size)
{
	uint64_t *sum = context;

	(void)bytes;
	*sum += size;
	return true;
}

struct dirt {
	const unsigned char *begin; /* of the file */
	uint64_t offset;
};

static bool find_dirt(void *context, const unsigned char *bytes, uint64_t size)
{
	struct dirt *dirt = context;

	for (uint64_t i = 0; i < size; i++)
		if (bytes[i] != 0) {
			dirt->offset = (uint64_t)(bytes + i - dirt->begin);
			return false;
		}
	return true;
}

uint64_t digest_padding_dirt(const quire_model *model, size_t index)
{
	struct dirt dirt = { .offset = QUIRE_NO_OFFSET };
	quire_part part;

	if (!quire_model_part(model, index, &part))
		return QUIRE_NO_OFFSET;
	dirt.begin = part.data;
	(void)walk_padding(model, &part, find_dirt, &dirt);
	return dirt.offset;
}

/* ---------------------------------------------------------------- hashing */

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->job < y->job ? -1 : 1;
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

struct stream {
	struct work *work;
	struct digest *digest;
};

static bool update(void *context, const unsigned char *bytes, uint64_t whole)
{
	const struct stream *stream = context;

	for (uint64_t at = 0; at < whole; at += STEP_SIZE) {
		const uint64_t rest = whole - at;
		const size_t size =
		    (size_t)(rest < STEP_SIZE ? rest : STEP_SIZE);

		digest_update(stream->digest, bytes + at, size);
		report(stream->work, size);
	}
	return true;
}

static quire_status hash(struct work *work, struct digest_job *job,
			 quire_error *error)
{
	struct stream stream = { .work = work };
	quire_status status;

	if (job->what == DIGEST_TENSOR && job->kind == DIGEST_XXH3) {
		digest_xxh3(job->tensor, job->text);
		report(work, job->tensor->size);
		return QUIRE_OK;
	}
	status = digest_create(job->kind, &stream.digest, error);
	if (status != QUIRE_OK)
		return status;
	(void)walk(work->model, job, update, &stream);
	status = digest_finish(stream.digest, job->text, error);
	digest_free(stream.digest);
	return status;
}

static void run_job(void *context, size_t worker, size_t index)
{
	struct work *work = context;
	quire_error error;
	const quire_status status = hash(work, work->order[index].job, &error);

	(void)worker;
	if (status == QUIRE_OK)
		return;
	quire_mutex_lock(&work->lock);
	work->status = status;
	work->error = error;
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

quire_status digest_many(const quire_model *model, struct digest_job *jobs,
			 size_t count, const struct digest_how *how,
			 quire_error *error)
{
	struct work work = { .model = model, .how = how };

	if (count == 0)
		return QUIRE_OK;
	work.order = calloc(count, sizeof(struct place));
	if (!work.order || !quire_mutex_init(&work.lock)) {
		free(work.order);
		return quire_fail_memory(error, count * sizeof(struct place));
	}
	for (size_t i = 0; i < count; i++) {
		work.order[i].job = &jobs[i];
		(void)walk(model, &jobs[i], add_size, &work.order[i].size);
		work.total += work.order[i].size;
	}
	qsort(work.order, count, sizeof(struct place), compare_places);
	run_jobs(&work, count);
	quire_mutex_destroy(&work.lock);
	free(work.order);
	if (work.status == QUIRE_OK)
		return quire_model_check_files(model, error);
	if (error)
		*error = work.error;
	return work.status;
}
