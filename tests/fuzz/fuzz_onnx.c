/*
 * fuzz_onnx.c - any bytes as an ONNX model, with a data file beside it. A model
 * that converts must give a container that opens, verifies and can be used; the
 * comparison, which reads both independently, must find no difference; its
 * export must convert to the same tensors; and as a thin model it must compare,
 * too. A model that does not convert leaves no file.
 */
#include <stdio.h>
#include <unistd.h>

#include "quire_convert.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/fuzz/touch.h"

static void check_container(const char *path)
{
	quire_model *model;

	FUZZ_CHECK(quire_model_open(path, NULL, &model, NULL) == QUIRE_OK);
	FUZZ_CHECK(touch_model(model, 1) == QUIRE_OK);
	quire_model_close(model);
}

/* Every weight and every constant is in both files and is the same. */
static void compare(const char *source, const char *path)
{
	quire_compare_report *report;
	quire_error error;

	if (quire_compare_onnx(source, path, NULL, &report, &error) !=
	    QUIRE_OK) {
		fprintf(stderr, "%s\n", error.message);
		FUZZ_CHECK(false);
	}
	for (size_t i = 0; i < report->count; i++) {
		const quire_compare_row *row = &report->rows[i];

		if (row->verdict != QUIRE_VERDICT_SAME)
			fprintf(stderr, "%s %s: %s\n",
				row->source ? row->source : "-",
				quire_verdict_name(row->verdict),
				row->reason ? row->reason : "-");
	}
	FUZZ_CHECK(report->different == 0);
	quire_compare_report_free(report);
}

static void check_same_tensors(const char *left, const char *right)
{
	quire_model *models[2];

	FUZZ_CHECK(quire_model_open(left, NULL, &models[0], NULL) == QUIRE_OK);
	FUZZ_CHECK(quire_model_open(right, NULL, &models[1], NULL) == QUIRE_OK);
	FUZZ_CHECK(quire_model_tensor_count(models[0]) ==
		   quire_model_tensor_count(models[1]));
	for (size_t i = 0; i < quire_model_tensor_count(models[0]); i++)
		FUZZ_CHECK(quire_model_tensor(models[0], i)->xxh3 ==
			   quire_model_tensor(models[1], i)->xxh3);
	quire_model_close(models[0]);
	quire_model_close(models[1]);
}

/* Some models convert and cannot be exported; then no file is left. */
static void check_export(const char *container, const char *source)
{
	const quire_convert_options options = { .threads = 1, .alignment = 32 };
	char back[FUZZ_PATH_SIZE], again[FUZZ_PATH_SIZE];
	quire_error error;

	fuzz_path(back, "back.onnx");
	fuzz_path(again, "again.gguf");
	if (quire_export_onnx(container, source, back, NULL, NULL, &error) !=
	    QUIRE_OK) {
		FUZZ_CHECK(error.status == QUIRE_ERROR_UNSUPPORTED ||
			   error.status == QUIRE_ERROR_LAYOUT);
		FUZZ_CHECK(fuzz_file_count() == 3);
		return;
	}
	FUZZ_CHECK(quire_convert_onnx(back, again, &options, NULL, &error) ==
		   QUIRE_OK);
	check_same_tensors(container, again);
	FUZZ_CHECK(unlink(back) == 0 && unlink(again) == 0);
}

/* Some models convert and cannot become thin; then no file is left. A thin one
 * agrees with its container. */
static void check_thin(const char *container, const char *source)
{
	const quire_thin_options options = { .threads = 1 };
	char thin[FUZZ_PATH_SIZE];
	quire_error error;

	fuzz_path(thin, "thin.onnx");
	if (quire_thin_onnx(source, container, thin, &options, NULL, &error) !=
	    QUIRE_OK) {
		FUZZ_CHECK(error.status == QUIRE_ERROR_UNSUPPORTED ||
			   error.status == QUIRE_ERROR_LAYOUT);
		FUZZ_CHECK(fuzz_file_count() == 3);
		return;
	}
	compare(thin, container);
	FUZZ_CHECK(unlink(thin) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const quire_convert_options options = { .threads = 1, .alignment = 32 };
	quire_convert_report *report = NULL;
	char source[FUZZ_PATH_SIZE], beside[FUZZ_PATH_SIZE];
	char output[FUZZ_PATH_SIZE];
	unsigned char numbers[256];
	quire_error error;

	fuzz_path(source, "model.onnx");
	fuzz_path(beside, "external.first.bin");
	fuzz_path(output, "model.gguf");
	for (size_t i = 0; i < sizeof(numbers); i++)
		numbers[i] = (unsigned char)(i * 7);
	if (access(beside, F_OK) != 0)
		fuzz_write_file(beside, numbers, sizeof(numbers));
	fuzz_write_file(source, data, size);
	if (quire_convert_onnx(source, output, &options, &report, &error) !=
	    QUIRE_OK) {
		FUZZ_CHECK(!report && error.status != QUIRE_OK);
		FUZZ_CHECK(fuzz_file_count() == 2);
		return 0;
	}
	for (size_t i = 0; i < report->count; i++)
		FUZZ_CHECK(quire_outcome_name(report->rows[i].outcome));
	quire_convert_report_free(report);
	check_container(output);
	compare(source, output);
	check_export(output, source);
	check_thin(output, source);
	FUZZ_CHECK(unlink(output) == 0);
	return 0;
}
