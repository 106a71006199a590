/*
 * fuzz_onnx.c - any bytes as an ONNX model, with a data file beside it. What
 * converts must open, verify, be of use, and be the same to whoever reads both
 * by another path; what does not leaves nothing.
 */
#include <stdio.h>
#include <string.h>
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

/* Every weight and every constant is the same, and in both. */
static void compare(const char *source, const char *path)
{
	quire_compare_report *report;
	quire_error error;

	if (quire_compare_onnx(source, path, &report, &error) != QUIRE_OK) {
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
	FUZZ_CHECK(unlink(output) == 0);
	return 0;
}
