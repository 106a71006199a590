/*
 * verify.c - reads every byte of a container and tells what changed. Tensors
 * are hashed in parallel, the largest first; each is one XXH3 stream.
 */
#include <inttypes.h>
#include <pthread.h>
#include <pthreadpool.h>
#include <stdlib.h>
#include <xxhash.h>

#include "format/error.h"
#include "format/parse.h"
#include "loader/model.h"

/* Bytes between two reports of progress: 1 ms at 4 GB/s. */
#define CHUNK_SIZE ((uint64_t)4 << 20)

struct job {
	const struct quire_index *index;
	const quire_verify_options *options;
	const quire_tensor **order; /* largest first */
	uint64_t *hashes;	    /* by place in the file */
	pthread_mutex_t lock;	    /* of all below */
	size_t next;		    /* in `order` */
	uint64_t done, total;	    /* bytes */
	bool cancelled;
	bool failed; /* out of memory */
};

static int compare_size(const void *a, const void *b)
{
	const quire_tensor *x = *(const quire_tensor *const *)a;
	const quire_tensor *y = *(const quire_tensor *const *)b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->offset < y->offset ? -1 : 1;
}

/* The next tensor to hash, or NULL. */
static const quire_tensor *take_tensor(struct job *job)
{
	const quire_tensor *tensor = NULL;

	pthread_mutex_lock(&job->lock);
	if (!job->cancelled && !job->failed &&
	    job->next < job->index->tensor_count)
		tensor = job->order[job->next++];
	pthread_mutex_unlock(&job->lock);
	return tensor;
}

/* Counts hashed bytes; returns false when the caller asked to stop. */
static bool report(struct job *job, uint64_t size)
{
	bool go_on;

	pthread_mutex_lock(&job->lock);
	job->done += size;
	if (!job->cancelled && job->options->progress &&
	    !job->options->progress(job->options->context, job->done,
				    job->total))
		job->cancelled = true;
	go_on = !job->cancelled;
	pthread_mutex_unlock(&job->lock);
	return go_on;
}

static void hash_tensor(struct job *job, XXH3_state_t *state,
			const quire_tensor *tensor)
{
	const unsigned char *bytes = tensor->data;
	uint64_t rest = tensor->size;

	XXH3_64bits_reset(state);
	while (rest > 0) {
		const uint64_t size = rest < CHUNK_SIZE ? rest : CHUNK_SIZE;

		XXH3_64bits_update(state, bytes, (size_t)size);
		bytes += size;
		rest -= size;
		if (!report(job, size))
			return;
	}
	pthread_mutex_lock(&job->lock);
	job->hashes[tensor - job->index->tensors] = XXH3_64bits_digest(state);
	pthread_mutex_unlock(&job->lock);
}

static void run_worker(void *context, size_t worker)
{
	struct job *job = context;
	XXH3_state_t *state = XXH3_createState();
	const quire_tensor *tensor;

	(void)worker;
	if (!state) {
		pthread_mutex_lock(&job->lock);
		job->failed = true;
		pthread_mutex_unlock(&job->lock);
		return;
	}
	while ((tensor = take_tensor(job)))
		hash_tensor(job, state, tensor);
	XXH3_freeState(state);
}

/* Without a pool (of one thread, or for want of memory) all runs here. */
static void run_workers(struct job *job)
{
	pthreadpool_t pool = job->options->threads == 1
				 ? NULL
				 : pthreadpool_create(job->options->threads);
	const size_t count = pthreadpool_get_threads_count(pool);

	pthreadpool_parallelize_1d(pool, run_worker, job, count, 0);
	pthreadpool_destroy(pool);
}

static quire_status hash_all(struct job *job, quire_error *error)
{
	const struct quire_index *index = job->index;

	for (size_t i = 0; i < index->tensor_count; i++) {
		job->order[i] = &index->tensors[i];
		job->total += index->tensors[i].size;
	}
	qsort(job->order, index->tensor_count, sizeof(*job->order),
	      compare_size);
	if (pthread_mutex_init(&job->lock, NULL) != 0)
		return quire_fail_memory(error, sizeof(job->lock));
	run_workers(job);
	pthread_mutex_lock(&job->lock); /* sees what the workers wrote */
	pthread_mutex_unlock(&job->lock);
	pthread_mutex_destroy(&job->lock);
	if (job->failed)
		return quire_fail(error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
				  "out of memory for a hash's state");
	if (job->cancelled)
		return quire_fail(error, QUIRE_ERROR_CANCELLED, QUIRE_NO_OFFSET,
				  "cancelled");
	return QUIRE_OK;
}

/* F-33 */
static quire_status compare_hashes(const struct job *job, quire_error *error)
{
	const struct quire_index *index = job->index;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < index->tensor_count; i++) {
		const quire_tensor *tensor = &index->tensors[i];

		if (job->hashes[i] == tensor->xxh3)
			continue;
		if (status == QUIRE_OK)
			status = quire_fail(
			    error, QUIRE_ERROR_CHECKSUM, tensor->offset,
			    "tensor '%.*s' is damaged: XXH3 %016" PRIx64
			    " instead of %016" PRIx64 " [F-33]",
			    QUIRE_PRINT(tensor->name), job->hashes[i],
			    tensor->xxh3);
		if (job->options->damage)
			job->options->damage(job->options->context, tensor,
					     job->hashes[i]);
	}
	return status;
}

/* F-23 */
static quire_status check_padding(const quire_model *model, quire_error *error)
{
	const struct quire_index *index = &model->index;

	for (size_t i = 0; i < index->tensor_count; i++) {
		const quire_tensor *tensor = &index->tensors[i];
		const uint64_t end = i + 1 < index->tensor_count
					 ? tensor[1].offset
					 : index->info.file_size;

		for (uint64_t at = tensor->offset + tensor->size; at < end;
		     at++)
			if (model->bytes[at] != 0)
				return quire_fail(
				    error, QUIRE_ERROR_LAYOUT, at,
				    "the padding after tensor '%.*s' is not "
				    "zero [F-23]",
				    QUIRE_PRINT(tensor->name));
	}
	return QUIRE_OK;
}

quire_status quire_model_verify(const quire_model *model,
				const quire_verify_options *options,
				quire_error *error)
{
	static const quire_verify_options defaults;
	const struct quire_index *index = &model->index;
	const size_t count = index->tensor_count ? index->tensor_count : 1;
	struct job job = { .index = index,
			   .options = options ? options : &defaults };
	quire_status status;

	if (index->info.quire_version == 0) {
		status = check_padding(model, error);
		if (status != QUIRE_OK)
			return status;
		return quire_fail(error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
				  "a GGUF file without Quire's checksums: "
				  "nothing to verify it by");
	}
	job.order = calloc(count, sizeof(*job.order));
	job.hashes = calloc(count, sizeof(*job.hashes));
	if (!job.order || !job.hashes)
		status = quire_fail_memory(error, count * sizeof(*job.order));
	else
		status = hash_all(&job, error);
	if (status == QUIRE_OK)
		status = compare_hashes(&job, error);
	if (status == QUIRE_OK)
		status = check_padding(model, error);
	if (status == QUIRE_OK && index->info.header_edited)
		status =
		    quire_fail(error, QUIRE_ERROR_CHECKSUM, QUIRE_NO_OFFSET,
			       "the metadata was edited after writing; "
			       "the tensors are intact [F-31]");
	free(job.order);
	free(job.hashes);
	return status;
}
