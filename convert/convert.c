/*
 * convert.c - quire_convert_onnx: the order of the stages, read, plan, declare,
 * stream and report, and the metadata of the container.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/output.h"
#include "base/path.h"
#include "base/utf8.h"
#include "convert/llama/llama.h"
#include "convert/onnx/onnx.h"
#include "convert/pipeline.h"
#include "convert/plan/plan.h"
#include "convert/recipe/recipe.h"
#include "convert/report.h"
#include "format/value.h"

/* GGUF's number for the layout of its quantized types. */
#define QUANTIZATION_VERSION 2

struct conversion {
	const char *onnx_path;
	char *folder;	  /* of a target's JSON files; NULL: no target */
	char *model_path; /* in a folder that was given; NULL: none was */
	struct llama_options llama_options;
	struct llama *llama; /* NULL: no target */
	const char *gguf_path;
	const quire_convert_options *options; /* not what the recipe has */
	struct recipe recipe;		      /* all else */
	struct onnx_model *model;
	struct plan *plan;
	quire_writer *writer;
	uint64_t xxh3; /* of the model's file */
	quire_error *error;
};

/* A copy of the first `size` bytes of a text as valid UTF-8, to be freed; NULL:
 * out of memory. */
static char *tidy(const char *text, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return NULL;
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (!quire_utf8_valid(copy, size))
		for (char *c = copy; *c; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
	return copy;
}

static quire_status set_string(const struct conversion *job, const char *key,
			       const char *text, size_t size)
{
	char *copy = tidy(text, size);
	quire_status status;

	if (!copy)
		return quire_fail_memory(job->error, size + 1);
	status = quire_writer_set_string(job->writer, key, copy, job->error);
	free(copy);
	return status;
}

/* Sets the name of the graph, or of the file. */
static quire_status set_name(const struct conversion *job)
{
	const char *name = job->model->graph_name;
	const char *dot;

	if (name[0])
		return set_string(job, "general.name", name, strlen(name));
	name = quire_path_name(job->onnx_path);
	dot = strrchr(name, '.');
	return set_string(job, "general.name", name,
			  dot ? (size_t)(dot - name) : strlen(name));
}

static quire_status set_producer(const struct conversion *job)
{
	const char *name = job->model->producer_name;
	const char *version = job->model->producer_version;
	const size_t size = strlen(name) + strlen(version) + 2;
	char *both;
	quire_status status;

	if (!name[0])
		return QUIRE_OK;
	both = malloc(size);
	if (!both)
		return quire_fail_memory(job->error, size);
	strcpy(both, name);
	if (version[0])
		strcat(strcat(both, " "), version);
	status = quire_writer_set_string(job->writer, "quire.source.producer",
					 both, job->error);
	free(both);
	return status;
}

static quire_status set_source(const struct conversion *job)
{
	const char *name = quire_path_name(job->onnx_path);
	quire_status status =
	    set_string(job, "quire.source.file", name, strlen(name));

	if (status == QUIRE_OK)
		status = quire_writer_set_u64(job->writer, "quire.source.xxh3",
					      job->xxh3, job->error);
	if (status == QUIRE_OK)
		status = set_producer(job);
	if (status == QUIRE_OK && job->model->has_opset)
		status = quire_writer_set_u64(job->writer, "quire.source.opset",
					      job->model->opset, job->error);
	return status;
}

/* Values of the recipe replace those above. */
static quire_status set_recipe_values(const struct conversion *job)
{
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < job->recipe.value_count && status == QUIRE_OK;
	     i++)
		status = quire_writer_set_value(
		    job->writer, job->recipe.values[i].key,
		    &job->recipe.values[i].value, job->error);
	return status;
}

static quire_status set_values(const struct conversion *job)
{
	char converter[32] = "quire ";
	quire_status status = quire_writer_set_string(
	    job->writer, "general.architecture", "onnx", job->error);

	if (status == QUIRE_OK)
		status = set_name(job);
	if (status == QUIRE_OK)
		status = quire_writer_set_u32(job->writer,
					      "general.quantization_version",
					      QUANTIZATION_VERSION, job->error);
	if (status == QUIRE_OK)
		status = set_source(job);
	strncat(converter, quire_version(),
		sizeof(converter) - strlen(converter) - 1);
	if (status == QUIRE_OK)
		status = quire_writer_set_string(job->writer, "quire.converter",
						 converter, job->error);
	if (status == QUIRE_OK && job->llama)
		status = quire_llama_write(job->llama, job->writer, job->error);
	return status == QUIRE_OK ? set_recipe_values(job) : status;
}

/* `next` is the item behind it, or NULL. */
static quire_status declare_tensor(const struct conversion *job,
				   const struct plan_item *item,
				   const struct plan_item *next)
{
	quire_tensor tensor = { .dtype = item->dtype, .rank = item->rank };
	char *operation = quire_plan_operation(item, next);
	quire_status status;

	if (!operation)
		return quire_fail_memory(job->error, sizeof(*item));
	tensor.name = quire_string_of(item->name);
	tensor.source = quire_string_of(item->value->name);
	tensor.operation = quire_string_of(operation);
	memcpy(tensor.shape, item->shape, sizeof(tensor.shape));
	status = quire_writer_add_tensor(job->writer, &tensor, job->error);
	free(operation);
	return status;
}

static quire_status declare_tensors(const struct conversion *job)
{
	const struct plan *plan = job->plan;
	quire_status status = QUIRE_OK;

	for (size_t i = 0; i < plan->item_count && status == QUIRE_OK; i++) {
		const struct plan_item *item = &plan->items[i];

		if (item->kind != PLAN_LEFT_OUT && !item->continues)
			status = declare_tensor(
			    job, item,
			    i + 1 < plan->item_count ? item + 1 : NULL);
	}
	return status;
}

static quire_status declare_linears(const struct conversion *job)
{
	for (size_t i = 0; i < job->plan->linear_count; i++) {
		const struct plan_linear *linear = &job->plan->linears[i];
		const quire_linear_entry entry = {
			.name = linear->name,
			.weight = linear->tensor,
			.bias = linear->bias,
			.k = linear->weight->value.k,
			.accuracy_level = linear->weight->intent.accuracy_level,
		};
		const quire_status status =
		    quire_writer_add_linear(job->writer, &entry, job->error);

		if (status != QUIRE_OK)
			return status;
	}
	return QUIRE_OK;
}

static quire_status refuse(const struct conversion *job, const char *path,
			   const char *what)
{
	return quire_fail_file(job->error, QUIRE_ERROR_ARGUMENT, path,
			       QUIRE_NO_OFFSET, "the output is %s", what);
}

/* `overwrite` allows to replace an older container, never the source. A path
 * that the user did not give is not written. */
static quire_status check_output(const struct conversion *job, const char *path)
{
	const char *recipe = job->options->recipe_path;

	if (!job->gguf_path)
		return QUIRE_OK;
	if (quire_onnx_is_destroyed(job->model, path))
		return refuse(job, path, "a file of the source model");
	if (recipe && quire_output_destroys(path, recipe))
		return refuse(job, path, "the recipe");
	return QUIRE_OK;
}

/* A file of that name would count as a part of another set. */
static bool is_part_name(const char *path)
{
	static const char pattern[] = "-00000-of-00000.gguf";
	const size_t size = strlen(path);
	const size_t length = strlen(pattern);

	if (size < length)
		return false;
	for (size_t i = 0; i < length; i++) {
		const char c = path[size - length + i];

		if (pattern[i] == '0' ? c < '0' || c > '9' : c != pattern[i])
			return false;
	}
	return true;
}

/* Whether the report would be a part of the set, if there are so many. */
static bool is_part_of_set(const struct conversion *job, const char *report)
{
	static const char numbers[] = "-00000-of-00000.gguf";
	unsigned no, count;
	bool is_part;
	char *part;

	if (job->recipe.split_size == 0 || !is_part_name(report) ||
	    sscanf(report + strlen(report) - strlen(numbers), "-%5u-of-%5u",
		   &no, &count) != 2)
		return false;
	part = quire_output_set_path(job->gguf_path, (size_t)no - 1, count);
	is_part = part && quire_output_destroys(part, report);
	free(part);
	return is_part;
}

/* The caller's own output must not be one of ours either. */
static quire_status check_both(const struct conversion *job, const char *path)
{
	const char *report = job->options->report_path;

	if (job->gguf_path && report &&
	    (quire_output_destroys(path, report) ||
	     quire_output_destroys(report, path) ||
	     is_part_of_set(job, report)))
		return refuse(job, report, "a file of the container too");
	return check_output(job, path);
}

/* Writing nothing fixes the layout, and with it the number of files. */
static quire_status fix_layout(const struct conversion *job)
{
	quire_part part;
	quire_status status =
	    quire_writer_write(job->writer, 0, NULL, 0, job->error);

	for (size_t i = 0;
	     status == QUIRE_OK && quire_writer_part(job->writer, i, &part);
	     i++)
		status = check_both(job, part.path);
	return status;
}

/* Makes the writer, with the layout of the files at `path`. */
static quire_status lay_out(struct conversion *job, const char *path)
{
	const quire_writer_options options = {
		.alignment = job->recipe.alignment,
		.overwrite = job->options->overwrite || !job->gguf_path,
		.split_size = job->recipe.split_size,
		.dry_run = job->options->dry_run,
	};
	quire_status status = check_both(job, path);

	if (status == QUIRE_OK)
		status = quire_writer_create(path, &options, &job->writer,
					     job->error);
	if (status == QUIRE_OK)
		status = set_values(job);
	if (status == QUIRE_OK)
		status = declare_tensors(job);
	if (status == QUIRE_OK)
		status = declare_linears(job);
	return status == QUIRE_OK ? fix_layout(job) : status;
}

static quire_status write_container(struct conversion *job)
{
	const struct pipeline_options streaming = {
		.threads = job->options->threads,
		.progress = job->options->progress,
		.context = job->options->context,
	};
	const quire_status status = lay_out(job, job->gguf_path);

	return status == QUIRE_OK ? quire_pipeline_run(job->plan, job->writer,
						       &streaming, job->error)
				  : status;
}

/* Without a path, names begin as the model's. */
static quire_status try_container(struct conversion *job)
{
	static const char model[] = ".onnx";
	static const char container[] = ".gguf";
	size_t stem = strlen(job->onnx_path);
	quire_status status;
	char *path;

	if (job->gguf_path)
		return lay_out(job, job->gguf_path);
	if (stem >= strlen(model) &&
	    strcmp(job->onnx_path + stem - strlen(model), model) == 0)
		stem -= strlen(model);
	path = malloc(stem + sizeof(container));
	if (!path)
		return quire_fail_memory(job->error, stem);
	memcpy(path, job->onnx_path, stem);
	memcpy(path + stem, container, sizeof(container));
	status = lay_out(job, path);
	free(path);
	return status;
}

/* Checks that the source did not change meanwhile: its hash is in the metadata.
 * Makes the report before the writer finishes, so that nothing can fail after
 * the file is in place. */
static quire_status finish(const struct conversion *job,
			   quire_convert_report **report)
{
	quire_convert_report *made = NULL;
	quire_status status = quire_onnx_check_files(job->model, job->error);

	if (status == QUIRE_OK && report)
		status = quire_report_create(job->model, job->plan, job->writer,
					     &made, job->error);
	if (status == QUIRE_OK && !job->options->dry_run)
		status = quire_writer_finish(job->writer, job->error);
	if (status != QUIRE_OK) {
		quire_convert_report_free(made);
		return status;
	}
	if (report)
		*report = made;
	return QUIRE_OK;
}

static quire_status check_path(const struct conversion *job)
{
	if (job->recipe.split_size > 0 && job->gguf_path &&
	    is_part_name(job->gguf_path))
		return quire_fail_file(job->error, QUIRE_ERROR_ARGUMENT,
				       job->gguf_path, QUIRE_NO_OFFSET,
				       "the name of a part; name the set, "
				       "without the numbers");
	return QUIRE_OK;
}

/* Finds the model and the folder of its JSON files. */
static quire_status find_target(struct conversion *job)
{
	const quire_convert_options *options = job->options;
	struct file_facts facts;
	quire_status status = QUIRE_OK;

	if (!options->target)
		return QUIRE_OK;
	if (strcmp(options->target, "llama.cpp") != 0)
		return quire_fail(job->error, QUIRE_ERROR_ARGUMENT,
				  QUIRE_NO_OFFSET,
				  "the target '%.40s' is not known; known is: "
				  "llama.cpp",
				  options->target);
	if (options->recipe || options->recipe_path || options->leave_count ||
	    options->leave_unsupported || options->architecture)
		return quire_fail(job->error, QUIRE_ERROR_ARGUMENT,
				  QUIRE_NO_OFFSET,
				  "the target llama.cpp takes no recipe, "
				  "architecture or leave");
	if (quire_path_facts(job->onnx_path, &facts) &&
	    facts.kind == FILE_FOLDER) {
		status = quire_llama_model_path(job->onnx_path,
						&job->model_path, job->error);
		job->folder = strdup(job->onnx_path);
		job->onnx_path = job->model_path;
	} else {
		job->folder = quire_path_folder(job->onnx_path);
	}
	if (options->config_path) {
		free(job->folder);
		job->folder = strdup(options->config_path);
	}
	if (!job->folder && status == QUIRE_OK)
		status = quire_fail_memory(job->error, 1);
	if (job->recipe.fallback == QUIRE_FALLBACK_DEFAULT)
		job->recipe.fallback = QUIRE_FALLBACK_F16;
	job->llama_options = (struct llama_options){
		.folder = job->folder,
		.tokenizer_pre = options->tokenizer_pre,
		.no_tokenizer = options->no_tokenizer,
		.keep_fused_qkv = options->keep_fused_qkv,
	};
	return status;
}

static quire_status make_plan(struct conversion *job)
{
	const quire_status status =
	    quire_plan_create(job->model, &job->recipe, job->options->threads,
			      &job->plan, job->error);

	if (status != QUIRE_OK || !job->folder)
		return status;
	return quire_llama_create(job->model, &job->llama_options, job->plan,
				  &job->llama, job->error);
}

quire_status quire_convert_onnx(const char *onnx_path, const char *gguf_path,
				const quire_convert_options *options,
				quire_convert_report **report,
				quire_error *error)
{
	static const quire_convert_options defaults;
	struct conversion job = { .onnx_path = onnx_path,
				  .gguf_path = gguf_path,
				  .options = options ? options : &defaults,
				  .error = error };
	quire_status status =
	    quire_recipe_load(job.options, &job.recipe, error);

	if (status != QUIRE_OK)
		return status;
	status = check_path(&job);
	if (status == QUIRE_OK)
		status = find_target(&job);
	if (status == QUIRE_OK)
		status = quire_onnx_open(job.onnx_path, job.options->max_memory,
					 &job.model, error);
	if (status == QUIRE_OK && job.options->report_path)
		status = check_output(&job, job.options->report_path);
	if (status == QUIRE_OK)
		status = quire_onnx_file_hash(
		    job.model->file, job.options->threads, &job.xxh3, error);
	if (status == QUIRE_OK)
		status = make_plan(&job);
	if (status == QUIRE_OK)
		status = job.options->dry_run ? try_container(&job)
					      : write_container(&job);
	if (status == QUIRE_OK)
		status = finish(&job, report);
	if (status != QUIRE_OK)
		quire_error_name_file(error, job.onnx_path ? job.onnx_path
							   : onnx_path);
	quire_writer_free(job.writer);
	quire_plan_free(job.plan);
	quire_llama_free(job.llama);
	quire_onnx_close(job.model);
	quire_recipe_free(&job.recipe);
	free(job.folder);
	free(job.model_path);
	return status;
}
