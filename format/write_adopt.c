/*
 * write_adopt.c - tensors whose bytes are in another file: the system copies
 * them, the writer does not see them, and their checksums are kept.
 */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/parse.h"
#include "format/write.h"

/* Bytes that are copied between two reports of progress. */
#define STEP_SIZE ((uint64_t)32 << 20)

/* Bytes that lie together in both files: tensors, and the padding between. */
struct run {
	const struct quire_out_part *part;
	size_t source; /* the file that it is in */
	uint64_t offset;
	uint64_t from;
	uint64_t size;
};

struct adoption {
	const quire_writer *writer;
	const int *files;
	const char *const *paths; /* or NULL */
	size_t count;
	quire_progress_fn progress;
	void *context;
	uint64_t done, total;
};

/* A single file has all tensors, whatever their `part` says. */
static size_t source_of(const struct adoption *adoption,
			const struct quire_out_tensor *tensor)
{
	return adoption->count == 1 ? 0 : tensor->view.part;
}

static quire_status check_tensors(const struct adoption *adoption,
				  quire_error *error)
{
	const quire_writer *writer = adoption->writer;

	for (size_t i = 0; i < writer->tensor_count; i++) {
		const struct quire_out_tensor *tensor = &writer->tensors[i];
		const uint64_t from = tensor->declared_offset;

		if (tensor->written > 0)
			return quire_fail(
			    error, QUIRE_ERROR_ARGUMENT, QUIRE_NO_OFFSET,
			    "tensor '%s' has bytes already", tensor->name);
		if (!writer->plain && !tensor->view.has_xxh3)
			return quire_fail(error, QUIRE_ERROR_ARGUMENT,
					  QUIRE_NO_OFFSET,
					  "tensor '%s' was declared without a "
					  "checksum to keep",
					  tensor->name);
		if (source_of(adoption, tensor) >= adoption->count)
			return quire_fail(error, QUIRE_ERROR_ARGUMENT,
					  QUIRE_NO_OFFSET,
					  "tensor '%s' is in part %" PRIu32
					  ", which is not given",
					  tensor->name, tensor->view.part);
		if (from > INT64_MAX || tensor->view.size > INT64_MAX - from)
			return quire_fail(error, QUIRE_ERROR_ARGUMENT,
					  QUIRE_NO_OFFSET,
					  "tensor '%s' was declared past the "
					  "end of any file",
					  tensor->name);
	}
	return QUIRE_OK;
}

/* The longest run that begins with tensor *index. *index becomes the first
 * tensor after it. */
static struct run take_run(const struct adoption *adoption, size_t *index)
{
	const quire_writer *writer = adoption->writer;
	const struct quire_out_tensor *first = &writer->tensors[(*index)++];
	const struct quire_out_part *part = quire_out_part_of(writer, first);
	struct run run = {
		.part = part,
		.source = source_of(adoption, first),
		.offset = part->header_size + first->view.offset,
		.from = first->declared_offset,
		.size = first->view.size,
	};

	for (; *index < writer->tensor_count; ++*index) {
		const struct quire_out_tensor *next = &writer->tensors[*index];
		const uint64_t distance =
		    next->view.offset - first->view.offset;

		if (next->part != first->part ||
		    source_of(adoption, next) != run.source ||
		    next->declared_offset < run.from ||
		    next->declared_offset - run.from != distance)
			break;
		run.size = distance + next->view.size;
	}
	return run;
}

static bool report(const struct adoption *adoption)
{
	return !adoption->progress ||
	       adoption->progress(adoption->context, adoption->done,
				  adoption->total);
}

static quire_status copy_run(struct adoption *adoption, struct run run,
			     quire_error *error)
{
	const char *path = adoption->paths ? adoption->paths[run.source] : NULL;

	while (run.size > 0 && !run.part->kept) {
		const uint64_t size =
		    run.size < STEP_SIZE ? run.size : STEP_SIZE;
		const quire_status status = quire_output_copy(
		    &run.part->output, run.offset, adoption->files[run.source],
		    run.from, size, error);

		if (status != QUIRE_OK && path)
			quire_error_name_file(error, path);
		if (status != QUIRE_OK)
			return status;
		run.offset += size;
		run.from += size;
		run.size -= size;
		adoption->done += size;
		if (!report(adoption))
			return quire_fail(error, QUIRE_ERROR_CANCELLED,
					  QUIRE_NO_OFFSET, "cancelled");
	}
	return QUIRE_OK;
}

static quire_status copy_runs(struct adoption *adoption, quire_error *error)
{
	const size_t count = adoption->writer->tensor_count;
	quire_status status = QUIRE_OK;

	for (size_t index = 0; index < count;) {
		const struct run run = take_run(adoption, &index);

		adoption->total += run.part->kept ? 0 : run.size;
	}
	for (size_t index = 0; index < count && status == QUIRE_OK;)
		status = copy_run(adoption, take_run(adoption, &index), error);
	return status;
}

quire_status quire_writer_adopt_set(quire_writer *writer, const int *files,
				    const char *const *paths, size_t count,
				    quire_progress_fn progress, void *context,
				    quire_error *error)
{
	struct adoption adoption = { .writer = writer,
				     .files = files,
				     .paths = paths,
				     .count = count,
				     .progress = progress,
				     .context = context };
	quire_status status = quire_writer_write(writer, 0, NULL, 0, error);

	if (status == QUIRE_OK && writer->dry_run)
		status = quire_out_fail_dry(error);
	if (status == QUIRE_OK)
		status = check_tensors(&adoption, error);
	if (status == QUIRE_OK)
		status = copy_runs(&adoption, error);
	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < writer->tensor_count; i++)
		writer->tensors[i].written = writer->tensors[i].view.size;
	return QUIRE_OK;
}

quire_status quire_writer_adopt(quire_writer *writer, int file,
				quire_progress_fn progress, void *context,
				quire_error *error)
{
	return quire_writer_adopt_set(writer, &file, NULL, 1, progress, context,
				      error);
}
