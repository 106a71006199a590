/*
 * copy_tensors.c - tensors' bytes into a new file: by the file system where
 * nothing has to be hashed, else through buffers, some tensors at a time. They
 * are read and not taken from the map, so that a file that shrinks meanwhile
 * is an error and not a signal, and memory stays small.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/rewrite/copy_model.h"
#include "cli/ui/interrupt.h"

/* What a thread writes between two reports: enough to make calls cheap, and
 * little enough to stay in a cache between read, hash and write. */
#define CHUNK_SIZE ((size_t)1 << 20)

/* More threads than this do not help a disk. */
#define STREAM_THREADS_MAX 16

struct stream {
	struct copy *copy;
	quire_writer *writer;
	pthread_mutex_t lock; /* over what follows */
	size_t next;	      /* tensor */
	uint64_t done, total;
	quire_status status;
	quire_error *error;
};

static bool take_tensor(struct stream *stream, size_t *index)
{
	bool taken;

	pthread_mutex_lock(&stream->lock);
	taken = stream->status == QUIRE_OK &&
		stream->next < quire_model_tensor_count(stream->copy->model);
	if (taken)
		*index = stream->next++;
	pthread_mutex_unlock(&stream->lock);
	return taken;
}

/* Returns whether to go on. */
static bool report(struct stream *stream, size_t size, quire_status status,
		   const quire_error *error)
{
	bool well;

	pthread_mutex_lock(&stream->lock);
	stream->done += size;
	if (status != QUIRE_OK && stream->status == QUIRE_OK) {
		stream->status = status;
		*stream->error = *error;
	}
	if (stream->status == QUIRE_OK &&
	    !copy_progress(stream->copy, stream->done, stream->total))
		stream->status = QUIRE_ERROR_CANCELLED;
	well = stream->status == QUIRE_OK;
	pthread_mutex_unlock(&stream->lock);
	return well;
}

static quire_status fail_read(quire_error *error, uint64_t offset, int number)
{
	return quire_fail(
	    error, number ? QUIRE_ERROR_IO : QUIRE_ERROR_TRUNCATED, offset,
	    "%s%s", number ? "cannot read: " : "the file ends while it is read",
	    number ? strerror(number) : "");
}

/* All of `size` bytes. */
static quire_status read_chunk(int file, uint64_t offset, unsigned char *chunk,
			       size_t size, quire_error *error)
{
	size_t at = 0;

	while (at < size) {
		const ssize_t done =
		    pread(file, chunk + at, size - at, (off_t)(offset + at));

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return fail_read(error, offset + at,
					 done < 0 ? errno : 0);
		at += (size_t)done;
	}
	return QUIRE_OK;
}

static void write_tensor(struct stream *stream, size_t index,
			 unsigned char *chunk)
{
	const quire_tensor *tensor =
	    quire_model_tensor(stream->copy->model, index);
	uint64_t at = 0;
	quire_status status;
	quire_error error;
	size_t size;

	do {
		size = tensor->size - at < CHUNK_SIZE
			   ? (size_t)(tensor->size - at)
			   : CHUNK_SIZE;
		status = read_chunk(stream->copy->file, tensor->offset + at,
				    chunk, size, &error);
		if (status == QUIRE_OK)
			status = quire_writer_write(stream->writer, index,
						    chunk, size, &error);
		at += size;
	} while (report(stream, size, status, &error) && at < tensor->size);
}

static void *work(void *context)
{
	struct stream *stream = context;
	unsigned char *chunk = malloc(CHUNK_SIZE);
	quire_error error;
	size_t index;

	if (!chunk)
		report(stream, 0, quire_fail_memory(&error, CHUNK_SIZE),
		       &error);
	while (chunk && take_tensor(stream, &index))
		write_tensor(stream, index, chunk);
	free(chunk);
	return NULL;
}

static size_t thread_count(const struct copy_how *how, size_t tensors)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = how->threads;

	if (count == 0)
		count = cpus > 0 ? (size_t)cpus : 1;
	if (count > STREAM_THREADS_MAX)
		count = STREAM_THREADS_MAX;
	return count < tensors ? count : tensors;
}

/* This thread works, too, and alone if no other can be started. */
static void run_threads(struct stream *stream, size_t count)
{
	pthread_t threads[STREAM_THREADS_MAX];
	size_t started = 0;

	while (started + 1 < count &&
	       pthread_create(&threads[started], NULL, work, stream) == 0)
		started++;
	work(stream);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

static quire_status stream_tensors(struct copy *copy,
				   const struct copy_how *how,
				   quire_writer *writer, quire_error *error)
{
	const size_t count = quire_model_tensor_count(copy->model);
	struct stream stream = { .copy = copy,
				 .writer = writer,
				 .error = error };

	/* Once this has returned, threads may write. */
	stream.status = quire_writer_write(writer, 0, NULL, 0, error);
	if (stream.status != QUIRE_OK)
		return stream.status;
	for (size_t i = 0; i < count; i++)
		stream.total += quire_model_tensor(copy->model, i)->size;
	pthread_mutex_init(&stream.lock, NULL);
	run_threads(&stream, thread_count(how, count));
	pthread_mutex_destroy(&stream.lock);
	return stream.status;
}

quire_status copy_tensors(struct copy *copy, const struct copy_how *how,
			  quire_writer *writer, quire_error *error)
{
	if (how->plain || copy->info.quire_version > 0)
		return quire_writer_adopt(writer, copy->file, copy_progress,
					  copy, error);
	return stream_tensors(copy, how, writer, error);
}
