/*
 * verify.c - reads every byte of a model's tensors and tells what changed.
 * Tensors are hashed in parallel, the largest first; each is one XXH3 stream,
 * read in order, so that the system reads ahead of it.
 */
#include "loader/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <pthreadpool.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"
#include "format/error.h"
#include "format/parse.h"
#include "machine/cpu.h"
#include "machine/hash.h"

/* Bytes between two reports of progress: 1 ms at 4 GB/s. */
#define CHUNK_SIZE ((size_t)4 << 20)

/* Bytes that are read at once: they are hashed out of the second-level cache.
 */
#define READ_SIZE ((size_t)256 << 10)

/* Below this a file is hashed in less time than threads take to start. */
#define WORTH_THREADS ((uint64_t)4 << 20)

/* pthreadpool does not check that its threads could be started. */
#define MAX_THREADS 1024

struct job {
	const quire_model *model;
	const quire_verify_options *options;
	uint32_t features;
	const quire_tensor **order; /* largest first */
	uint64_t *hashes;	    /* by place in the model */
	uint64_t total;		    /* bytes */
	pthread_mutex_t lock;	    /* of all below */
	size_t next;		    /* in `order` */
	uint64_t done;		    /* bytes */
	quire_status status;	    /* of what stops all threads, and then: */
	quire_error failure;
	size_t dirty;	       /* the first tensor with padding that is not */
	uint64_t dirty_offset; /* zero, and where; or the count of tensors */
};

static int compare_size(const void *a, const void *b)
{
	const quire_tensor *x = *(const quire_tensor *const *)a;
	const quire_tensor *y = *(const quire_tensor *const *)b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x < y ? -1 : 1;
}

/* The next tensor to hash, or NULL. */
static const quire_tensor *take_tensor(struct job *job)
{
	const quire_tensor *tensor = NULL;

	pthread_mutex_lock(&job->lock);
	if (job->status == QUIRE_OK &&
	    job->next < job->model->index.tensor_count)
		tensor = job->order[job->next++];
	pthread_mutex_unlock(&job->lock);
	return tensor;
}

/* Counts hashed bytes; returns false when all shall stop. */
static bool report(struct job *job, uint64_t size)
{
	bool go_on;

	pthread_mutex_lock(&job->lock);
	job->done += size;
	if (job->status == QUIRE_OK && job->options->progress &&
	    !job->options->progress(job->options->context, job->done,
				    job->total))
		job->status = quire_fail(&job->failure, QUIRE_ERROR_CANCELLED,
					 QUIRE_NO_OFFSET, "cancelled");
	go_on = job->status == QUIRE_OK;
	pthread_mutex_unlock(&job->lock);
	return go_on;
}

/* Stops all threads; the first failure is what is told. */
static void stop(struct job *job, const quire_error *failure)
{
	pthread_mutex_lock(&job->lock);
	if (job->status == QUIRE_OK) {
		job->status = failure->status;
		job->failure = *failure;
	}
	pthread_mutex_unlock(&job->lock);
}

static void stop_unreadable(struct job *job, const struct model_part *part,
			    uint64_t offset, const char *reason)
{
	quire_error failure;

	if (quire_map_check(&part->map, quire_part_name(part), &failure) !=
	    QUIRE_ERROR_TRUNCATED)
		quire_fail(&failure, QUIRE_ERROR_IO, offset,
			   "%s: cannot be read: %s", quire_part_name(part),
			   reason);
	stop(job, &failure);
}

/* Where the padding after a tensor is not zero, or where it ends. */
static uint64_t find_dirt(const quire_model *model, const quire_tensor *tensor)
{
	const struct model_part *part = &model->parts[tensor->part];
	const size_t next = (size_t)(tensor - model->index.tensors) + 1;
	const uint64_t end = next < part->first_tensor + part->tensor_count
				 ? tensor[1].offset
				 : part->size;
	uint64_t at = tensor->offset + tensor->size;

	while (end - at >= 8 && load_u64(part->bytes + at) == 0)
		at += 8;
	while (at < end && part->bytes[at] == 0)
		at++;
	return at < end ? at : QUIRE_NO_OFFSET;
}

static void check_padding(struct job *job, const quire_tensor *tensor)
{
	const size_t place = (size_t)(tensor - job->model->index.tensors);
	const uint64_t offset = find_dirt(job->model, tensor);

	if (offset == QUIRE_NO_OFFSET)
		return;
	pthread_mutex_lock(&job->lock);
	if (place < job->dirty) {
		job->dirty = place;
		job->dirty_offset = offset;
	}
	pthread_mutex_unlock(&job->lock);
}

/* The next bytes of a tensor, where they lie or, of a mapped file, read into
 * `buffer`: that takes half the time of mapping pages for a single look, and a
 * file that was cut is a short read instead of SIGBUS. NULL if they are not
 * there. */
static const unsigned char *fetch(const struct model_part *part,
				  const quire_tensor *tensor, size_t at,
				  size_t size, unsigned char *buffer)
{
	if (!part->map.watched)
		return (const unsigned char *)tensor->data + at;
	return quire_map_read(&part->map, tensor->offset + at, buffer, size)
		   ? buffer
		   : NULL;
}

static void hash_tensor(struct job *job, struct quire_hash *hash,
			unsigned char *buffer, const quire_tensor *tensor)
{
	const struct model_part *part = &job->model->parts[tensor->part];
	uint64_t reported = 0;
	size_t at = 0;

	quire_hash_reset(hash);
	while (at < tensor->size) {
		const size_t rest = (size_t)tensor->size - at;
		const size_t size = rest < READ_SIZE ? rest : READ_SIZE;
		const unsigned char *bytes =
		    fetch(part, tensor, at, size, buffer);

		if (!bytes) {
			stop_unreadable(job, part, tensor->offset + at,
					strerror(errno));
			return;
		}
		quire_hash_update(hash, bytes, size);
		at += size;
		if (at < tensor->size && at - reported < CHUNK_SIZE)
			continue;
		if (!report(job, at - reported))
			return;
		reported = at;
	}
	if (part->map.watched &&
	    !quire_map_touch(part->bytes + tensor->offset + at - 1, 1)) {
		stop_unreadable(job, part, tensor->offset + at - 1,
				"its disk may have failed");
		return;
	}
	check_padding(job, tensor);
	pthread_mutex_lock(&job->lock);
	job->hashes[tensor - job->model->index.tensors] =
	    quire_hash_digest(hash);
	pthread_mutex_unlock(&job->lock);
}

static void run_worker(void *context, size_t worker)
{
	struct job *job = context;
	struct quire_hash *hash = quire_hash_create(job->features);
	unsigned char *buffer = malloc(READ_SIZE);
	const quire_tensor *tensor;
	quire_error failure;

	(void)worker;
	if (hash && buffer) {
		while ((tensor = take_tensor(job)))
			hash_tensor(job, hash, buffer, tensor);
	} else {
		quire_fail_memory(&failure, READ_SIZE);
		stop(job, &failure);
	}
	free(buffer);
	quire_hash_free(hash);
}

/* Without a pool (of one thread, or for want of memory) all runs here. */
static void run_workers(struct job *job)
{
	const uint32_t threads = job->options->threads;
	pthreadpool_t pool = NULL;
	size_t count;

	if (threads != 1 && job->total >= WORTH_THREADS)
		pool = pthreadpool_create(threads < MAX_THREADS ? threads
								: MAX_THREADS);
	count = pthreadpool_get_threads_count(pool);
	pthreadpool_parallelize_1d(pool, run_worker, job, count, 0);
	pthreadpool_destroy(pool);
}

static quire_status hash_all(struct job *job, quire_error *error)
{
	const struct quire_index *index = &job->model->index;

	for (size_t i = 0; i < index->tensor_count; i++) {
		job->order[i] = &index->tensors[i];
		job->total += index->tensors[i].size;
	}
	qsort(job->order, index->tensor_count, sizeof(*job->order),
	      compare_size);
	if (job->total >= WORTH_THREADS)
		job->features = quire_cpu_features();
	job->dirty = index->tensor_count;
	if (pthread_mutex_init(&job->lock, NULL) != 0)
		return quire_fail_memory(error, sizeof(job->lock));
	run_workers(job);
	pthread_mutex_lock(&job->lock); /* sees what the workers wrote */
	pthread_mutex_unlock(&job->lock);
	pthread_mutex_destroy(&job->lock);
	if (job->status != QUIRE_OK && error)
		*error = job->failure;
	return job->status;
}

/* F-33 */
static quire_status compare_hashes(const struct job *job, quire_error *error)
{
	const struct quire_index *index = &job->model->index;
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
static quire_status fail_padding(const quire_tensor *tensor, uint64_t offset,
				 quire_error *error)
{
	return quire_fail(error, QUIRE_ERROR_LAYOUT, offset,
			  "the padding after tensor '%.*s' is not zero [F-23]",
			  QUIRE_PRINT(tensor->name));
}

static quire_status verify_foreign(const quire_model *model, quire_error *error)
{
	const struct quire_index *index = &model->index;

	for (size_t i = 0; i < index->tensor_count; i++) {
		const uint64_t offset = find_dirt(model, &index->tensors[i]);

		if (offset != QUIRE_NO_OFFSET)
			return fail_padding(&index->tensors[i], offset, error);
	}
	return quire_fail(error, QUIRE_ERROR_NOT_FOUND, QUIRE_NO_OFFSET,
			  "a GGUF file without Quire's checksums: nothing to "
			  "verify it by");
}

quire_status quire_verify_tensors(const quire_model *model,
				  const quire_verify_options *options,
				  quire_error *error)
{
	static const quire_verify_options defaults;
	const struct quire_index *index = &model->index;
	const size_t count = index->tensor_count ? index->tensor_count : 1;
	struct job job = { .model = model,
			   .options = options ? options : &defaults };
	quire_status status;

	if (index->info.quire_version == 0)
		return verify_foreign(model, error);
	job.order = calloc(count, sizeof(*job.order));
	job.hashes = calloc(count, sizeof(*job.hashes));
	if (!job.order || !job.hashes)
		status = quire_fail_memory(error, count * sizeof(*job.order));
	else
		status = hash_all(&job, error);
	if (status == QUIRE_OK)
		status = compare_hashes(&job, error);
	if (status == QUIRE_OK && job.dirty < index->tensor_count)
		status = fail_padding(&index->tensors[job.dirty],
				      job.dirty_offset, error);
	free(job.order);
	free(job.hashes);
	return status;
}

quire_status quire_model_verify(const quire_model *model,
				const quire_verify_options *options,
				quire_error *error)
{
	const quire_status status = quire_verify_tensors(model, options, error);

	if (status == QUIRE_OK && model->index.info.header_edited)
		return quire_fail(error, QUIRE_ERROR_CHECKSUM, QUIRE_NO_OFFSET,
				  "the metadata was edited after writing; "
				  "the tensors are intact [F-31]");
	return status;
}
