/*
 * thin.c - quire_thin_onnx: reads both files, has the container prove that it
 * is the model's, decides what becomes of each node and constant, and writes
 * the new model. The other files of thin/ implement the steps.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/output.h"
#include "convert/thin/thin.h"

/* Protobuf's limit on a message: 2 GiB. */
#define MAX_FILE_SIZE INT32_MAX

/* Bytes of the old model that are copied at a time. */
#define PIECE_SIZE ((size_t)64 << 10)

/* ------------------------------------------------------------------ report */

/* A constant has one row, beside those of the weights. */
static quire_status create_report(struct thinning *thin)
{
	const size_t capacity =
	    thin->plan->weight_count + thin->model->value_count + 1;
	struct thin_report *report = calloc(1, sizeof(*report));

	if (!report)
		return quire_fail_memory(thin->error, sizeof(*report));
	thin->report = report;
	report->strings.left = UINT64_MAX;
	report->capacity = capacity;
	report->rows = calloc(capacity, sizeof(*report->rows));
	report->public.rows = report->rows;
	return report->rows
		   ? QUIRE_OK
		   : quire_fail_memory(thin->error,
				       capacity * sizeof(*report->rows));
}

/* *text becomes a copy; false: out of memory. */
static bool keep(struct thin_report *report, const char **text, size_t size)
{
	char *copy = quire_arena_own(&report->strings, size + 1, 1);

	if (copy)
		memcpy(copy, *text, size);
	*text = copy;
	return copy != NULL;
}

static void count(quire_thin_report *report, const quire_thin_row *row)
{
	switch (row->outcome) {
	case QUIRE_THIN_LINEAR:
		report->linears++;
		break;
	case QUIRE_THIN_EMBEDDING:
		report->embeddings++;
		break;
	case QUIRE_THIN_EXTERNAL:
		report->constants++;
		break;
	case QUIRE_THIN_KEPT:
		report->kept++;
		break;
	}
}

quire_status quire_thin_add_row(const struct thinning *thin, quire_thin_row row,
				const quire_tensor *tensor)
{
	struct thin_report *report = thin->report;
	bool kept = report->public.count < report->capacity;

	if (kept && row.node)
		kept = keep(report, &row.node, strlen(row.node));
	if (kept && row.op_type)
		kept = keep(report, &row.op_type, strlen(row.op_type));
	if (kept)
		kept = keep(report, &row.source, strlen(row.source));
	if (kept && tensor) {
		row.tensor = tensor->name.data;
		kept = keep(report, &row.tensor, tensor->name.size);
	}
	if (!kept)
		return quire_fail(thin->error, QUIRE_ERROR_MEMORY,
				  QUIRE_NO_OFFSET, "out of memory");
	report->rows[report->public.count++] = row;
	count(&report->public, &row);
	return QUIRE_OK;
}

void quire_thin_report_free(quire_thin_report *report)
{
	struct thin_report *whole = (struct thin_report *)report;

	if (!whole)
		return;
	quire_arena_free(&whole->strings);
	free(whole->rows);
	free(whole);
}

const char *quire_thin_outcome_name(quire_thin_outcome outcome)
{
	switch (outcome) {
	case QUIRE_THIN_LINEAR:
		return "linear";
	case QUIRE_THIN_EMBEDDING:
		return "embedding";
	case QUIRE_THIN_EXTERNAL:
		return "external";
	case QUIRE_THIN_KEPT:
		return "kept";
	}
	return "unknown";
}

/* ------------------------------------------------------------------- input */

static quire_status open_model(struct thinning *thin)
{
	quire_status status =
	    quire_onnx_open(thin->onnx_path, thin->options->max_memory,
			    &thin->model, thin->error);

	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < thin->model->node_count; i++)
		if (strcmp(thin->model->nodes[i].domain, QUIRE_THIN_DOMAIN) ==
		    0)
			return quire_fail_file(
			    thin->error, QUIRE_ERROR_UNSUPPORTED,
			    thin->onnx_path, QUIRE_NO_OFFSET,
			    "it is thin already: node '%.80s' is of domain "
			    "'" QUIRE_THIN_DOMAIN "'",
			    quire_onnx_label(&thin->model->nodes[i]));
	return QUIRE_OK;
}

/* The tensors need no verification: all that the new model may refer to are
 * compared with the old one. */
static quire_status open_container(struct thinning *thin)
{
	const quire_value *xxh3;
	quire_status status =
	    quire_model_open(thin->gguf_path, NULL, &thin->file, thin->error);

	if (status != QUIRE_OK)
		return status;
	xxh3 = quire_model_find_value(thin->file, "quire.header.xxh3");
	if (!xxh3)
		return quire_fail_file(
		    thin->error, QUIRE_ERROR_NOT_FOUND, thin->gguf_path,
		    QUIRE_NO_OFFSET,
		    "a GGUF file without checksums; 'quire convert' of the "
		    "model makes a container");
	snprintf(thin->xxh3, sizeof(thin->xxh3), "%016" PRIx64, xxh3->as.u);
	return QUIRE_OK;
}

static quire_status plan(struct thinning *thin)
{
	static const struct recipe everything = { .leave_unsupported = true };
	quire_status status =
	    quire_plan_create(thin->model, &everything, thin->options->threads,
			      &thin->plan, thin->error);

	if (status != QUIRE_OK) {
		quire_error_name_file(thin->error, thin->onnx_path);
		return status;
	}
	return create_report(thin);
}

/* A name that no value has, nor the beginning of one: it gets a suffix in
 * bodies. */
static quire_status choose_name(struct thinning *thin)
{
	static const char base[] = "quire.container";
	const struct onnx_model *model = thin->model;
	size_t most = 0;

	for (size_t i = 0; i < model->value_count; i++) {
		const char *name = model->values[i].name;
		size_t more = 0;

		if (strncmp(name, base, strlen(base)) != 0)
			continue;
		while (name[strlen(base) + more] == '_')
			more++;
		if (more + 1 > most)
			most = more + 1;
	}
	thin->input_name = malloc(sizeof(base) + most);
	if (!thin->input_name)
		return quire_fail_memory(thin->error, sizeof(base) + most);
	strcpy(thin->input_name, base);
	memset(thin->input_name + strlen(base), '_', most);
	thin->input_name[strlen(base) + most] = '\0';
	return QUIRE_OK;
}

/* ------------------------------------------------------------------ output */

/* Whether writing to a path would destroy a file of the container. */
static bool is_container(const struct thinning *thin, const char *path)
{
	for (size_t i = 0; i < quire_model_part_count(thin->file); i++) {
		quire_part part;

		if (quire_model_part(thin->file, i, &part) && part.path &&
		    quire_output_destroys(path, part.path))
			return true;
	}
	return false;
}

/* `overwrite` allows to replace an older output, never an input. Asked before
 * the long work, and so for the folder of the output. */
static quire_status check_output(struct thinning *thin)
{
	if (!quire_onnx_is_destroyed(thin->model, thin->thin_path) &&
	    !is_container(thin, thin->thin_path))
		return QUIRE_OK;
	return quire_fail_file(
	    thin->error, QUIRE_ERROR_ARGUMENT, thin->thin_path, QUIRE_NO_OFFSET,
	    "the output is a file of the model or the container");
}

/* Bytes of the old model. */
static quire_status write_old(const struct thinning *thin,
			      const struct segment *segment,
			      const struct quire_output *output,
			      uint64_t offset)
{
	const quire_status status =
	    quire_output_copy(output, offset, thin->model->file->descriptor,
			      segment->offset, segment->size, thin->error);

	if (status != QUIRE_ERROR_TRUNCATED)
		return status;
	return quire_fail_file(thin->error, QUIRE_ERROR_IO, thin->onnx_path,
			       QUIRE_NO_OFFSET,
			       "the file changed while it was read");
}

/* The data of a constant, a piece at a time. */
static quire_status write_constant(const struct thinning *thin,
				   const struct onnx_value *value,
				   const struct quire_output *output,
				   uint64_t offset)
{
	unsigned char *piece = malloc(PIECE_SIZE);
	quire_status status = quire_onnx_file_acquire(value->file, thin->error);
	const bool acquired = status == QUIRE_OK;
	uint64_t at = 0;

	if (status == QUIRE_OK && !piece)
		status = quire_fail_memory(thin->error, PIECE_SIZE);
	while (at < value->size && status == QUIRE_OK) {
		const uint64_t left = value->size - at;
		const size_t size =
		    left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;

		status = quire_onnx_read(value, at, piece, size, thin->error);
		if (status == QUIRE_OK)
			status = quire_output_write(output, offset + at, piece,
						    size, thin->error);
		at += size;
	}
	if (acquired)
		quire_onnx_file_release(value->file);
	free(piece);
	return status;
}

static quire_status write_segment(const struct thinning *thin,
				  const struct segment *segment,
				  const struct quire_output *output,
				  uint64_t offset)
{
	switch (segment->kind) {
	case SEGMENT_FILE:
		return write_old(thin, segment, output, offset);
	case SEGMENT_OWN:
		return quire_output_write(output, offset, segment->bytes,
					  (size_t)segment->size, thin->error);
	case SEGMENT_VALUE:
		break;
	}
	return write_constant(thin, &thin->model->values[segment->value],
			      output, offset);
}

static quire_status write_segments(const struct thinning *thin,
				   const struct segments *segments)
{
	struct quire_output output;
	uint64_t offset = 0;
	quire_status status = quire_output_open(
	    &output, thin->thin_path, thin->options->overwrite, thin->error);

	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < segments->count && status == QUIRE_OK; i++) {
		status =
		    write_segment(thin, &segments->items[i], &output, offset);
		offset += segments->items[i].size;
	}
	if (status == QUIRE_OK)
		status = quire_onnx_check_files(thin->model, thin->error);
	if (status == QUIRE_OK)
		status = quire_output_commit(&output, thin->error);
	quire_output_discard(&output);
	return status;
}

static quire_status write_output(struct thinning *thin)
{
	struct segments segments = { .items = NULL };
	quire_status status = quire_thin_splice(thin, &segments);
	const uint64_t size = quire_segments_size(&segments, 0);

	thin->report->public.file_size = size;
	if (status == QUIRE_OK && size > MAX_FILE_SIZE)
		status = quire_fail_file(thin->error, QUIRE_ERROR_UNSUPPORTED,
					 thin->thin_path, QUIRE_NO_OFFSET,
					 "the model would have %" PRIu64
					 " bytes, but at most 2 GiB "
					 "are possible",
					 size);
	if (status == QUIRE_OK)
		status = write_segments(thin, &segments);
	quire_segments_free(&segments);
	return status;
}

static void measure_source(struct thinning *thin)
{
	const struct onnx_model *model = thin->model;
	uint64_t *size = &thin->report->public.source_size;

	*size = model->file->size;
	for (size_t i = 0; i < model->files.count; i++)
		*size += model->files.items[i]->size;
}

/* Leaves the report. */
static void close_all(struct thinning *thin)
{
	for (size_t i = 0;
	     thin->locations &&
	     i < quire_model_part_count(thin->file) + thin->model->files.count;
	     i++)
		free(thin->locations[i]);
	free(thin->locations);
	free(thin->folder);
	free(thin->input_name);
	free(thin->data);
	free(thin->nodes);
	free(thin->reasons);
	free(thin->uses);
	free(thin->linears);
	free(thin->tensors);
	quire_model_close(thin->file);
	quire_plan_free(thin->plan);
	quire_onnx_close(thin->model);
}

quire_status quire_thin_onnx(const char *onnx_path, const char *gguf_path,
			     const char *thin_path,
			     const quire_thin_options *options,
			     quire_thin_report **report, quire_error *error)
{
	static const quire_thin_options defaults;
	static quire_status (*const steps[])(struct thinning *) = {
		open_model,
		open_container,
		check_output,
		plan,
		quire_thin_match,
		choose_name,
		quire_thin_count_uses,
		quire_thin_choose,
		quire_thin_drop_unused,
		quire_thin_place,
		quire_thin_prove,
		write_output,
	};
	struct thinning thin = { .onnx_path = onnx_path,
				 .gguf_path = gguf_path,
				 .thin_path = thin_path,
				 .options = options ? options : &defaults,
				 .error = error };
	quire_status status = QUIRE_OK;

	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == QUIRE_OK; i++)
		status = steps[i](&thin);
	if (status == QUIRE_OK)
		measure_source(&thin);
	close_all(&thin);
	if (status == QUIRE_OK && report)
		*report = &thin.report->public;
	else if (thin.report)
		quire_thin_report_free(&thin.report->public);
	return status;
}
