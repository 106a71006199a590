/*
 * copy_tensors.c - copies tensors' bytes into a new file: by the file system if
 * nothing has to be hashed, else through buffers, several tensors at a time.
 * They are read and not taken from the mapped pages: a file that shrinks is
 * then an error and not a signal, and memory stays small.
 */
#include <stdlib.h>

#include "base/cpu.h"
#include "base/crew.h"
#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"
#include "rewrite/copy.h"

/* Bytes that a thread writes between two reports: enough to make calls cheap,
 * and few enough to stay in a cache between read, hash and write. */
#define CHUNK_SIZE ((size_t)1 << 20)

/* More threads than this do not help a disk. */
#define STREAM_THREADS_MAX 16

struct stream {
	const quire_copy *copy;
	const quire_copy_options *how;
	quire_writer *writer;
	unsigned char *chunks; /* one for each thread */
	struct mutex lock;     /* for what follows */
	uint64_t done, total;
	quire_status status;
	quire_error *error;
};

/* Returns whether to continue. */
static bool report(struct stream *stream, size_t size, quire_status status,
		   const quire_error *error)
{
	bool well;

	quire_mutex_lock(&stream->lock);
	stream->done += size;
	if (status != QUIRE_OK && stream->status == QUIRE_OK) {
		stream->status = status;
		*stream->error = *error;
	}
	if (stream->status == QUIRE_OK && stream->how->progress &&
	    !stream->how->progress(stream->how->context, stream->done,
				   stream->total))
		stream->status = QUIRE_ERROR_CANCELLED;
	well = stream->status == QUIRE_OK;
	quire_mutex_unlock(&stream->lock);
	return well;
}

static quire_status read_chunk(const quire_copy *copy, uint32_t part,
			       uint64_t offset, unsigned char *chunk,
			       size_t size, quire_error *error)
{
	const char *name = copy->names[part];
	size_t got;

	if (!quire_file_read(copy->files[part], offset, chunk, size, &got))
		return quire_fail_errno(error, name, "cannot read");
	if (got < size)
		return quire_fail_file(error, QUIRE_ERROR_TRUNCATED, name,
				       offset + got,
				       "the file ends while it is read");
	return QUIRE_OK;
}

static void write_tensor(void *context, size_t worker, size_t index)
{
	struct stream *stream = context;
	const quire_tensor *tensor =
	    quire_model_tensor(stream->copy->model, index);
	unsigned char *chunk = stream->chunks + worker * CHUNK_SIZE;
	uint64_t at = 0;

	if (!report(stream, 0, QUIRE_OK, NULL))
		return;
	for (bool more = true; more;) {
		const uint64_t rest = tensor->size - at;
		const size_t size =
		    rest < CHUNK_SIZE ? (size_t)rest : CHUNK_SIZE;
		quire_error error;
		quire_status status =
		    read_chunk(stream->copy, tensor->part, tensor->offset + at,
			       chunk, size, &error);

		if (status == QUIRE_OK)
			status = quire_writer_write(stream->writer, index,
						    chunk, size, &error);
		at += size;
		more =
		    report(stream, size, status, &error) && at < tensor->size;
	}
}

/* One thread if there is no memory for more. */
static void start_threads(const quire_copy_options *how, size_t tensors,
			  struct crew *crew)
{
	const size_t asked = how->threads ? how->threads : quire_cpu_count();
	size_t count = asked < tensors ? asked : tensors;

	if (count > STREAM_THREADS_MAX)
		count = STREAM_THREADS_MAX;
	if (quire_crew_init(crew, count > 0 ? (uint32_t)count : 1, NULL,
			    NULL) != QUIRE_OK)
		(void)quire_crew_init(crew, 1, NULL, NULL);
}

static quire_status stream_tensors(const quire_copy *copy,
				   const quire_copy_options *how,
				   quire_writer *writer, quire_error *error)
{
	const size_t count = quire_model_tensor_count(copy->model);
	struct stream stream = {
		.copy = copy, .how = how, .writer = writer, .error = error
	};
	struct crew crew;

	/* Once this has returned, threads may write. */
	stream.status = quire_writer_write(writer, 0, NULL, 0, error);
	if (stream.status != QUIRE_OK)
		return stream.status;
	for (size_t i = 0; i < count; i++)
		stream.total += quire_model_tensor(copy->model, i)->size;
	start_threads(how, count, &crew);
	stream.chunks = malloc(crew.threads * CHUNK_SIZE);
	if (stream.chunks && quire_mutex_init(&stream.lock)) {
		quire_crew_run(&crew, crew.threads, count, write_tensor,
			       &stream);
		quire_mutex_destroy(&stream.lock);
	} else {
		stream.status =
		    quire_fail_memory(error, crew.threads * CHUNK_SIZE);
	}
	free(stream.chunks);
	quire_crew_destroy(&crew);
	return stream.status;
}

quire_status quire_copy_tensors(const quire_copy *copy,
				const quire_copy_options *how,
				quire_writer *writer, quire_error *error)
{
	if (how->plain || copy->info.quire_version > 0)
		return quire_writer_adopt_set(writer, copy->files, copy->names,
					      copy->file_count, how->progress,
					      how->context, error);
	return stream_tensors(copy, how, writer, error);
}
