/*
 * export.c - quire_export_onnx: reads both files, pairs their contents, decides
 * where the data of each constant goes, and writes the new model. The other
 * files of export/ implement the steps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "base/output.h"
#include "base/path.h"
#include "convert/export/export.h"
#include "convert/recipe/recipe.h"

/* Protobuf's limit on a message: 2 GiB. */
#define MAX_FILE_SIZE INT32_MAX

/* Smaller constants stay in the model, as with the onnx package. */
#define EXTERNAL_MIN_SIZE 1024

/* External data starts on pages, so that readers can map it. */
#define EXTERNAL_ALIGNMENT 4096

#define DATA_SUFFIX ".data"

struct exporting {
	const char *gguf_path;
	const char *onnx_path;
	const char *back_path;
	const quire_export_options *options;
	char *data_path;
	struct onnx_model *model;
	struct plan *plan;
	quire_model *file;
	struct contents contents;
	struct splice_data *data; /* of each value */
	uint64_t data_size;	  /* of the file of external data */
	struct segments segments;
	unsigned char *room; /* for two of the largest constant */
	size_t room_size;    /* of one */
	uint64_t done;
	uint64_t total;
	quire_error *error;
};

static quire_status fail_memory(const struct exporting *job)
{
	return quire_fail(job->error, QUIRE_ERROR_MEMORY, QUIRE_NO_OFFSET,
			  "out of memory");
}

static quire_status load_model(struct exporting *job)
{
	return quire_onnx_open(job->onnx_path, job->options->max_memory,
			       &job->model, job->error);
}

/* Verifies the tensors: else damaged weights would be exported. */
static quire_status open_container(struct exporting *job)
{
	const quire_open_options options = { .verify = QUIRE_VERIFY_TENSORS };

	return quire_model_open(job->gguf_path, &options, &job->file,
				job->error);
}

static quire_status pair(struct exporting *job)
{
	static const struct recipe everything = { .leave_unsupported = true };
	quire_status status = quire_plan_create(job->model, &everything, 1,
						&job->plan, job->error);

	if (status != QUIRE_OK) {
		quire_error_name_file(job->error, job->onnx_path);
		return status;
	}
	return quire_contents_match(job->model, job->plan, job->file,
				    &job->contents, job->error);
}

/* ------------------------------------------------------------------ layout */

/* Whether the container changes what a constant holds. */
static bool is_rewritten(const struct exporting *job, size_t value)
{
	size_t count;
	const struct content *content =
	    quire_contents_find(&job->contents, value, &count);

	while (count-- > 0)
		if (content[count].kind != CONTENT_SOURCE)
			return true;
	return false;
}

static enum splice_place place_of(const struct exporting *job, size_t number)
{
	const struct onnx_value *value = &job->model->values[number];
	const bool is_external = quire_onnx_is_external(job->model, value);
	const bool large =
	    value->size >= EXTERNAL_MIN_SIZE && job->options->external_data;

	if (value->origin != ONNX_CONSTANT || value->sparse || value->size == 0)
		return SPLICE_KEEP;
	if (large && (is_external || value->initializer))
		return SPLICE_EXTERNAL;
	return is_external || is_rewritten(job, number) ? SPLICE_INLINE
							: SPLICE_KEEP;
}

/* Checks the sum of the sizes for overflow: each constant lies in a file, but
 * many may share the same bytes. */
static quire_status place_all(struct exporting *job)
{
	const size_t count = job->model->value_count;
	uint64_t end = 0;

	job->data = calloc(count + 1, sizeof(*job->data));
	if (!job->data)
		return fail_memory(job);
	for (size_t i = 0; i < count; i++) {
		const uint64_t size = job->model->values[i].size;
		struct splice_data *data = &job->data[i];

		data->place = place_of(job, i);
		if (data->place == SPLICE_KEEP)
			continue;
		if (size > job->room_size)
			job->room_size = (size_t)size;
		if (data->place != SPLICE_EXTERNAL)
			continue;
		data->location = quire_path_name(job->data_path);
		if (!checked_pad(end, EXTERNAL_ALIGNMENT, &data->offset) ||
		    !checked_add(data->offset, size, &end) || end > INT64_MAX)
			return quire_fail(job->error, QUIRE_ERROR_LAYOUT,
					  QUIRE_NO_OFFSET,
					  "the sizes of the constants "
					  "overflow");
	}
	job->data_size = end;
	return QUIRE_OK;
}

static quire_status lay_out(struct exporting *job)
{
	quire_status status = place_all(job);

	if (status != QUIRE_OK)
		return status;

	const struct splice splice = { .model = job->model, .data = job->data };

	status = quire_splice(&splice, &job->segments, job->error);
	if (status != QUIRE_OK)
		return status;

	const uint64_t size = quire_segments_size(&job->segments, 0);

	if (size > MAX_FILE_SIZE)
		return quire_fail_file(
		    job->error, QUIRE_ERROR_UNSUPPORTED, job->back_path,
		    QUIRE_NO_OFFSET,
		    "the model would have %" PRIu64 " bytes, but at most 2 GiB "
		    "are possible; put the weights into external data",
		    size);
	job->total = size + job->data_size;
	job->room = malloc(2 * job->room_size + 1);
	return job->room ? QUIRE_OK
			 : quire_fail_memory(job->error, 2 * job->room_size);
}

/* ------------------------------------------------------------------ output */

/* Whether writing to a path would destroy a file of the container. */
static bool is_container(const struct exporting *job, const char *path)
{
	for (size_t i = 0; i < quire_model_part_count(job->file); i++) {
		quire_part part;

		if (quire_model_part(job->file, i, &part) && part.path &&
		    quire_output_destroys(path, part.path))
			return true;
	}
	return false;
}

/* `overwrite` allows to replace an older export, never an input. */
static quire_status check_output(const struct exporting *job, const char *path)
{
	if (!quire_onnx_is_destroyed(job->model, path) &&
	    !is_container(job, path))
		return QUIRE_OK;
	return quire_fail_file(
	    job->error, QUIRE_ERROR_ARGUMENT, path, QUIRE_NO_OFFSET,
	    "the output is a file of the model or the container");
}

static quire_status advance(struct exporting *job, uint64_t size)
{
	const quire_export_options *options = job->options;

	job->done += size;
	if (options->progress && size > 0 &&
	    !options->progress(options->context, job->done, job->total))
		return quire_fail(job->error, QUIRE_ERROR_CANCELLED,
				  QUIRE_NO_OFFSET, "cancelled");
	return QUIRE_OK;
}

/* Makes the bytes of a constant in job->room. All that use it must want the
 * same bytes. */
static quire_status make_constant(const struct exporting *job, size_t number)
{
	const struct onnx_value *value = &job->model->values[number];
	const struct content unused = { .value = number,
					.kind = CONTENT_SOURCE };
	unsigned char *other = job->room + job->room_size;
	size_t count;
	const struct content *content =
	    quire_contents_find(&job->contents, number, &count);
	quire_status status = quire_export_make(
	    job->model, count == 0 ? &unused : content, job->room, job->error);

	for (size_t i = 1; i < count && status == QUIRE_OK; i++) {
		if (content[i].kind == content[0].kind &&
		    content[i].item == content[0].item)
			continue;
		status = quire_export_make(job->model, &content[i], other,
					   job->error);
		if (status == QUIRE_OK &&
		    memcmp(job->room, other, (size_t)value->size) != 0)
			status = quire_fail(
			    job->error, QUIRE_ERROR_UNSUPPORTED,
			    QUIRE_NO_OFFSET,
			    "constant '%s' is shared by weights that differ "
			    "in the container",
			    value->name);
	}
	return status;
}

static quire_status write_constant(struct exporting *job, size_t number,
				   const struct quire_output *output,
				   uint64_t offset)
{
	const uint64_t size = job->model->values[number].size;
	quire_status status = make_constant(job, number);

	if (status == QUIRE_OK)
		status = quire_output_write(output, offset, job->room,
					    (size_t)size, job->error);
	return status == QUIRE_OK ? advance(job, size) : status;
}

/* Bytes of the old model. */
static quire_status write_old(const struct exporting *job,
			      const struct segment *segment,
			      const struct quire_output *output,
			      uint64_t offset)
{
	const quire_status status =
	    quire_output_copy(output, offset, job->model->file->descriptor,
			      segment->offset, segment->size, job->error);

	if (status != QUIRE_ERROR_TRUNCATED)
		return status;
	return quire_fail_file(job->error, QUIRE_ERROR_IO, job->onnx_path,
			       QUIRE_NO_OFFSET,
			       "the file changed while it was read");
}

static quire_status write_segment(struct exporting *job,
				  const struct segment *segment,
				  const struct quire_output *output,
				  uint64_t offset)
{
	switch (segment->kind) {
	case SEGMENT_FILE:
		return write_old(job, segment, output, offset);
	case SEGMENT_OWN:
		return quire_output_write(output, offset, segment->bytes,
					  (size_t)segment->size, job->error);
	case SEGMENT_VALUE:
		break;
	}
	return write_constant(job, segment->value, output, offset);
}

static quire_status write_model(struct exporting *job,
				const struct quire_output *output)
{
	quire_status status = QUIRE_OK;
	uint64_t offset = 0;

	for (size_t i = 0; i < job->segments.count && status == QUIRE_OK; i++) {
		const struct segment *segment = &job->segments.items[i];

		status = write_segment(job, segment, output, offset);
		offset += segment->size;
	}
	return status;
}

static quire_status write_data(struct exporting *job,
			       const struct quire_output *output)
{
	quire_status status =
	    quire_output_resize(output, job->data_size, job->error);

	for (size_t i = 0; i < job->model->value_count && status == QUIRE_OK;
	     i++)
		if (job->data[i].place == SPLICE_EXTERNAL)
			status =
			    write_constant(job, i, output, job->data[i].offset);
	return status;
}

/* Flushes both files before it renames either; after that only a rename can
 * fail. A process that is killed between the renames leaves one file. So an old
 * model is removed first: it must never be beside new data. */
static quire_status commit_both(const struct exporting *job,
				struct quire_output *model,
				struct quire_output *data)
{
	quire_status status = quire_output_flush(data, job->error);

	if (status == QUIRE_OK)
		status = quire_output_flush(model, job->error);
	if (status == QUIRE_OK && job->options->overwrite)
		(void)quire_path_remove(job->back_path);
	if (status == QUIRE_OK)
		status = quire_output_commit(data, job->error);
	if (status != QUIRE_OK)
		return status;
	status = quire_output_commit(model, job->error);
	if (status != QUIRE_OK)
		(void)quire_path_remove(job->data_path);
	return status;
}

static quire_status write_both(struct exporting *job,
			       struct quire_output *model)
{
	struct quire_output data;
	quire_status status = check_output(job, job->data_path);

	if (status == QUIRE_OK)
		status = quire_output_open(&data, job->data_path,
					   job->options->overwrite, job->error);
	if (status != QUIRE_OK)
		return status;
	status = write_data(job, &data);
	if (status == QUIRE_OK)
		status = write_model(job, model);
	if (status == QUIRE_OK)
		status = quire_onnx_check_files(job->model, job->error);
	if (status == QUIRE_OK)
		status = commit_both(job, model, &data);
	quire_output_discard(&data);
	return status;
}

static quire_status write_output(struct exporting *job)
{
	struct quire_output model;
	quire_status status = check_output(job, job->back_path);

	if (status == QUIRE_OK)
		status = quire_output_open(&model, job->back_path,
					   job->options->overwrite, job->error);
	if (status != QUIRE_OK)
		return status;
	if (job->data_size > 0) {
		status = write_both(job, &model);
	} else {
		status = write_model(job, &model);
		if (status == QUIRE_OK)
			status = quire_onnx_check_files(job->model, job->error);
		if (status == QUIRE_OK)
			status = quire_output_commit(&model, job->error);
	}
	quire_output_discard(&model);
	return status;
}

static quire_status name_data(struct exporting *job)
{
	const size_t size = strlen(job->back_path) + sizeof(DATA_SUFFIX);

	job->data_path = malloc(size);
	if (!job->data_path)
		return quire_fail_memory(job->error, size);
	snprintf(job->data_path, size, "%s" DATA_SUFFIX, job->back_path);
	return QUIRE_OK;
}

static void close_all(struct exporting *job)
{
	quire_segments_free(&job->segments);
	quire_contents_free(&job->contents);
	quire_model_close(job->file);
	quire_plan_free(job->plan);
	quire_onnx_close(job->model);
	free(job->data_path);
	free(job->data);
	free(job->room);
}

quire_status quire_export_onnx(const char *gguf_path, const char *onnx_path,
			       const char *back_path,
			       const quire_export_options *options,
			       quire_export_summary *summary,
			       quire_error *error)
{
	static const quire_export_options defaults;
	static quire_status (*const steps[])(struct exporting *) = {
		name_data, load_model, open_container,
		pair,	   lay_out,    write_output,
	};
	struct exporting job = { .gguf_path = gguf_path,
				 .onnx_path = onnx_path,
				 .back_path = back_path,
				 .options = options ? options : &defaults,
				 .error = error };
	quire_status status = QUIRE_OK;

	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == QUIRE_OK; i++)
		status = steps[i](&job);
	if (status == QUIRE_OK && summary)
		*summary = (quire_export_summary){
			.weights = job.contents.weights,
			.kept = job.contents.kept,
			.plain = job.contents.plain,
			.file_size = quire_segments_size(&job.segments, 0),
			.data_size = job.data_size,
		};
	close_all(&job);
	return status;
}
