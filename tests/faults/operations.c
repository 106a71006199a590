/*
 * operations.c - the operations in which faults are tried.
 */
#include "tests/faults/operations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "quire_convert.h"
#include "tests/faults/workplace.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"

/* Rows of x. Enough for the packed GEMM, which packs the weights. */
#define ROWS 64

static quire_status run_open(const struct workplace *place, quire_error *error)
{
	quire_model *model;
	const quire_status status =
	    quire_model_open(place->container, NULL, &model, error);

	if (status != QUIRE_OK)
		return status;
	assert_non_null(quire_model_find_tensor(model, "w.weight"));
	assert_non_null(quire_model_find_linear(model, "fc"));
	assert_non_null(quire_model_find_value(model, "test.a"));
	quire_model_close(model);
	return QUIRE_OK;
}

static quire_status verify(const char *path, uint32_t threads,
			   quire_error *error)
{
	const quire_verify_options options = { .threads = threads };
	quire_model *model;
	quire_status status = quire_model_open(path, NULL, &model, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_model_verify(model, &options, error);
	quire_model_close(model);
	return status;
}

static quire_status run_verify(const struct workplace *place,
			       quire_error *error)
{
	return verify(place->container, 1, error);
}

static quire_status run_verify_threads(const struct workplace *place,
				       quire_error *error)
{
	return verify(place->large, 3, error);
}

static quire_status run_hash(const struct workplace *place, quire_error *error)
{
	const quire_verify_options options = { .threads = 3 };
	uint64_t hashes[64];
	quire_model *model;
	quire_status status =
	    quire_model_open(place->large, NULL, &model, error);

	if (status != QUIRE_OK)
		return status;
	assert_in_range(quire_model_tensor_count(model), 1, 64);
	status = quire_model_hash(model, &options, hashes, error);
	quire_model_close(model);
	return status;
}

/* The large file has tensors of its own. */
static quire_status run_diff(const struct workplace *place, quire_error *error)
{
	const quire_diff_options options = { .threads = 3 };
	quire_model *a = NULL, *b = NULL;
	size_t count = 0;
	quire_status status = quire_model_open(place->large, NULL, &a, error);

	if (status == QUIRE_OK)
		status = quire_model_open(place->container, NULL, &b, error);
	if (status == QUIRE_OK)
		status = quire_model_diff(a, a, &options, &count, error);
	if (status == QUIRE_OK) {
		assert_int_equal(count, 0);
		status = quire_model_diff(a, b, &options, &count, error);
	}
	assert_true(status != QUIRE_OK || count > 0);
	quire_model_close(a);
	quire_model_close(b);
	return status;
}

/* Into memory, with every tensor verified at once. */
static quire_status run_read(const struct workplace *place, quire_error *error)
{
	const quire_open_options options = { .verify = QUIRE_VERIFY_TENSORS,
					     .load = QUIRE_LOAD_READ };
	quire_model *model;
	const quire_status status =
	    quire_model_open(place->container, &options, &model, error);

	if (status == QUIRE_OK)
		quire_model_close(model);
	return status;
}

static quire_status run_open_set(const struct workplace *place,
				 quire_error *error)
{
	quire_model *model;
	const quire_status status = quire_model_open(
	    QUIRE_GOLDEN "/good/set_container-00001-of-00004.gguf", NULL,
	    &model, error);

	(void)place;
	if (status == QUIRE_OK)
		quire_model_close(model);
	return status;
}

static quire_status multiply(const quire_model *model, quire_runtime *runtime,
			     quire_error *error)
{
	static float x[ROWS * SAMPLE_K], y[ROWS * SAMPLE_N];
	static uint16_t x_half[ROWS * SAMPLE_K];
	const quire_matmul_options half = { .x_dtype = QUIRE_F16 };
	const quire_matmul_options exact = { .accuracy_level = 1 };
	const quire_linear *linear = quire_model_find_linear(model, "fc");
	quire_status status;

	status = quire_linear_run(runtime, linear, x, ROWS, y, NULL, error);
	if (status == QUIRE_OK)
		status =
		    quire_linear_run(runtime, linear, x, 1, y, &exact, error);
	if (status == QUIRE_OK)
		status = quire_linear_run(runtime, linear, x_half, ROWS, y,
					  &half, error);
	return status;
}

static quire_status open_and_multiply(const struct workplace *place,
				      quire_verify_mode verify_mode,
				      quire_error *error)
{
	const quire_open_options open_options = { .verify = verify_mode };
	const quire_runtime_options options = { .threads = 2 };
	quire_runtime *runtime = NULL;
	quire_model *model;
	quire_status status =
	    quire_model_open(place->container, &open_options, &model, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_runtime_create(&options, &runtime, error);
	if (status == QUIRE_OK)
		status = multiply(model, runtime, error);
	if (status == QUIRE_OK)
		status = quire_runtime_prepack(runtime, model, error);
	if (status == QUIRE_OK)
		status = multiply(model, runtime, error);
	quire_runtime_free(runtime);
	quire_model_close(model);
	return status;
}

static quire_status run_multiply(const struct workplace *place,
				 quire_error *error)
{
	return open_and_multiply(place, QUIRE_VERIFY_HEADER, error);
}

static quire_status run_multiply_lazy(const struct workplace *place,
				      quire_error *error)
{
	return open_and_multiply(place, QUIRE_VERIFY_LAZY, error);
}

static quire_status declare(quire_writer *writer, quire_error *error)
{
	const quire_tensor weight = { .name = { "w.weight", 8 },
				      .source = { "w", 1 },
				      .dtype = QUIRE_Q4_0,
				      .rank = 2,
				      .shape = { 64, 2 } };
	const quire_linear_entry linear = { "fc", 0, QUIRE_NO_TENSOR, 64, 4 };
	quire_status status;
	char key[16];

	status = quire_writer_set_string(writer, "general.name", "n", error);
	/* More than the first capacity of the writer's lists. */
	for (uint32_t i = 0; i < 20 && status == QUIRE_OK; i++) {
		snprintf(key, sizeof(key), "key.%u", i);
		status = quire_writer_set_u32(writer, key, i, error);
	}
	if (status == QUIRE_OK)
		status = quire_writer_add_tensor(writer, &weight, error);
	if (status == QUIRE_OK)
		status = quire_writer_add_linear(writer, &linear, error);
	return status;
}

static quire_status write_to(const struct workplace *place, bool overwrite,
			     quire_error *error)
{
	static const unsigned char bytes[2 * 2 * 18] = { 1, 2, 3 };
	const quire_writer_options options = { .alignment = 4096,
					       .overwrite = overwrite };
	quire_writer *writer;
	quire_status status =
	    quire_writer_create(place->output, &options, &writer, error);

	if (status != QUIRE_OK)
		return status;
	status = declare(writer, error);
	if (status == QUIRE_OK)
		status = quire_writer_write(writer, 0, bytes, 50, error);
	if (status == QUIRE_OK)
		status = quire_writer_write(writer, 0, bytes + 50,
					    sizeof(bytes) - 50, error);
	if (status == QUIRE_OK)
		status = quire_writer_finish(writer, error);
	quire_writer_free(writer);
	return status;
}

static quire_status run_write(const struct workplace *place, quire_error *error)
{
	return write_to(place, false, error);
}

static quire_status run_overwrite(const struct workplace *place,
				  quire_error *error)
{
	return write_to(place, true, error);
}

/* Each tensor is in a part of its own. */
static quire_status write_set_to(const struct workplace *place, bool overwrite,
				 quire_error *error)
{
	static const float floats[1024] = { 1, 2, 3 };
	const quire_writer_options options = { .alignment = 32,
					       .overwrite = overwrite,
					       .split_size = 4096 };
	const quire_tensor tensor = { .rank = 1, .shape = { 1024 } };
	quire_writer *writer;
	quire_status status =
	    quire_writer_create(place->output, &options, &writer, error);

	if (status != QUIRE_OK)
		return status;
	for (size_t i = 0; i < SET_PARTS && status == QUIRE_OK; i++) {
		const char name[] = { (char)('a' + i), '\0' };
		quire_tensor named = tensor;

		named.name = (quire_string){ name, 1 };
		status = quire_writer_add_tensor(writer, &named, error);
	}
	for (size_t i = 0; i < SET_PARTS && status == QUIRE_OK; i++)
		status = quire_writer_write(writer, i, floats, sizeof(floats),
					    error);
	if (status == QUIRE_OK)
		status = quire_writer_finish(writer, error);
	quire_writer_free(writer);
	return status;
}

static quire_status run_write_set(const struct workplace *place,
				  quire_error *error)
{
	return write_set_to(place, false, error);
}

static quire_status run_overwrite_set(const struct workplace *place,
				      quire_error *error)
{
	return write_set_to(place, true, error);
}

/* The sample's tensors with new metadata. */
static quire_status adopt_all(quire_writer *writer, const quire_model *model,
			      const char *path, quire_error *error)
{
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	quire_status status = QUIRE_OK;

	if (file < 0) {
		error->status = QUIRE_ERROR_IO;
		snprintf(error->message, sizeof(error->message), "%s",
			 strerror(errno));
		return QUIRE_ERROR_IO;
	}
	for (size_t i = 0;
	     i < quire_model_tensor_count(model) && status == QUIRE_OK; i++)
		status = quire_writer_add_tensor(
		    writer, quire_model_tensor(model, i), error);
	if (status == QUIRE_OK)
		status = quire_writer_adopt(writer, file, NULL, NULL, error);
	if (status == QUIRE_OK)
		status = quire_writer_finish(writer, error);
	close(file);
	return status;
}

static quire_status run_adopt(const struct workplace *place, quire_error *error)
{
	const quire_writer_options options = { .alignment = 64,
					       .overwrite = true };
	quire_writer *writer = NULL;
	quire_model *model;
	quire_status status =
	    quire_model_open(place->container, NULL, &model, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_writer_create(place->output, &options, &writer, error);
	if (status == QUIRE_OK)
		status = adopt_all(writer, model, place->container, error);
	quire_writer_free(writer);
	quire_model_close(model);
	return status;
}

static quire_status convert(const struct workplace *place, const char *source,
			    bool overwrite, quire_error *error)
{
	const quire_convert_options options = { .threads = 1,
						.overwrite = overwrite };
	quire_convert_report *report = NULL;
	char path[512];
	quire_status status;

	snprintf(path, sizeof(path), "%s/%s", QUIRE_TEST_ONNX, source);
	status =
	    quire_convert_onnx(path, place->output, &options, &report, error);
	assert_int_equal(status == QUIRE_OK, report != NULL);
	quire_convert_report_free(report);
	return status;
}

static quire_status run_convert(const struct workplace *place,
				quire_error *error)
{
	return convert(place, "good/body.onnx", false, error);
}

static quire_status run_convert_external(const struct workplace *place,
					 quire_error *error)
{
	return convert(place, "places/external.onnx", false, error);
}

static quire_status run_convert_fallback(const struct workplace *place,
					 quire_error *error)
{
	return convert(place, "good/g_idx_zero_points.onnx", false, error);
}

/* Columns become rows, and all constants are in files. */
static quire_status run_convert_columns(const struct workplace *place,
					quire_error *error)
{
	return convert(place, "places/dq_external.onnx", false, error);
}

static quire_status run_convert_experts(const struct workplace *place,
					quire_error *error)
{
	return convert(place, "places/moe_external.onnx", false, error);
}

/* With another model's container: each weight is in one of the two only. */
static quire_status run_compare(const struct workplace *place,
				quire_error *error)
{
	quire_compare_report *report = NULL;
	quire_status status =
	    quire_compare_onnx(QUIRE_TEST_ONNX "/good/gather_reshaped.onnx",
			       place->container, NULL, &report, error);

	assert_int_equal(status == QUIRE_OK, report != NULL);
	quire_compare_report_free(report);
	return status;
}

/* Every kind of recipe entry; the output is a set with one tensor a part. */
static quire_status run_convert_recipe(const struct workplace *place,
				       quire_error *error)
{
	static const char recipe[] =
	    "take: ['*norm*', '*q_proj*']\n"
	    "leave: ['*.0.*', 'model.layers.2*', '*attn.?_norm*']\n"
	    "rename: {'model.layers.{n}.input{x}.weight': '{x}.{n}'}\n"
	    "dense: f16\n"
	    "metadata: {a: [x, y], b: 1, general.name: nn}\n"
	    "alignment: 1024\n"
	    "split_size: 2048\n";
	const quire_convert_options options = {
		.threads = 1,
		.recipe = recipe,
		.recipe_size = sizeof(recipe) - 1,
	};
	quire_convert_report *report = NULL;
	char *text = NULL;
	quire_status status = quire_recipe_write(&options, &text, error);

	assert_int_equal(status == QUIRE_OK, text != NULL);
	quire_recipe_text_free(text);
	if (status == QUIRE_OK)
		status = quire_convert_onnx(
		    QUIRE_TEST_ONNX "/good/layout_qwen3.onnx", place->output,
		    &options, &report, error);
	quire_convert_report_free(report);
	return status;
}

static quire_status run_convert_again(const struct workplace *place,
				      quire_error *error)
{
	return convert(place, "good/dense.onnx", true, error);
}

/* body.onnx, with the container that workplace_make made of it. */
static quire_status export(const struct workplace *place, bool overwrite,
			   quire_error *error)
{
	const quire_export_options options = { .overwrite = overwrite };

	return quire_export_onnx(place->body, QUIRE_TEST_ONNX "/good/body.onnx",
				 place->output, &options, NULL, error);
}

static quire_status run_export(const struct workplace *place,
			       quire_error *error)
{
	return export(place, false, error);
}

static quire_status run_export_again(const struct workplace *place,
				     quire_error *error)
{
	return export(place, true, error);
}

const struct operation operations[] = {
	{ "open", run_open, false, false, false },
	{ "verify", run_verify, false, false, false },
	{ "verify, 3 threads", run_verify_threads, false, false, false },
	{ "hash", run_hash, false, false, false },
	{ "diff", run_diff, false, false, false },
	{ "read and verify", run_read, false, false, false },
	{ "open a split set", run_open_set, false, false, false },
	{ "multiply", run_multiply, false, false, false },
	{ "multiply, lazily verified", run_multiply_lazy, false, false, false },
	{ "write", run_write, true, false, false },
	{ "overwrite", run_overwrite, true, true, false },
	{ "write a split set", run_write_set, true, false, true },
	{ "overwrite a split set", run_overwrite_set, true, true, true },
	{ "adopt", run_adopt, true, true, false },
	{ "convert", run_convert, true, false, false },
	{ "convert external data", run_convert_external, true, false, false },
	{ "convert to dense", run_convert_fallback, true, false, false },
	{ "convert columns", run_convert_columns, true, false, false },
	{ "convert experts", run_convert_experts, true, false, false },
	{ "convert by a recipe", run_convert_recipe, true, false, true },
	{ "convert again", run_convert_again, true, true, false },
	{ "compare", run_compare, false, false, false },
	{ "export", run_export, true, false, false },
	{ "export again", run_export_again, true, true, false },
};
const size_t operation_count = sizeof(operations) / sizeof(operations[0]);
