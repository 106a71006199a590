/*
 * converted.c - conversion into a scratch folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"
#include "tests/unit/converted.h"

struct converted converted_with(const char *name,
				const quire_convert_options *options)
{
	struct converted done = { .folder = scratch_make() };
	char *output = scratch_path(done.folder, "out.gguf");
	quire_error error = { 0 };
	char source[512];

	snprintf(source, sizeof(source), "%s/%s.onnx", QUIRE_TEST_ONNX, name);
	if (quire_convert_onnx(source, output, options, &done.report, &error) !=
	    QUIRE_OK)
		fail_msg("%s: %s", name, error.message);
	assert_int_equal(quire_model_open(output, NULL, &done.model, &error),
			 QUIRE_OK);
	assert_int_equal(quire_model_verify(done.model, NULL, &error),
			 QUIRE_OK);
	free(output);
	return done;
}

struct converted converted_make(const char *name)
{
	const quire_convert_options options = { .threads = 2 };

	return converted_with(name, &options);
}

void converted_discard(struct converted *done)
{
	quire_model_close(done->model);
	quire_convert_report_free(done->report);
	scratch_remove(done->folder);
}

const quire_convert_row *converted_row(const struct converted *done,
				       const quire_tensor *tensor)
{
	for (size_t i = 0; i < done->report->count; i++) {
		const quire_convert_row *row = &done->report->rows[i];

		if (row->tensor && strlen(row->tensor) == tensor->name.size &&
		    memcmp(row->tensor, tensor->name.data, tensor->name.size) ==
			0)
			return row;
	}
	fail_msg("no row for '%.*s'", (int)tensor->name.size,
		 tensor->name.data);
	return NULL;
}

void converted_check(const char *name, const quire_tensor *tensor)
{
	unsigned char *expected;
	char path[512];
	size_t size;

	snprintf(path, sizeof(path), "%s/%s.weight", QUIRE_TEST_ONNX, name);
	expected = scratch_read(path, &size);
	if (tensor->size != size || memcmp(tensor->data, expected, size) != 0)
		fail_msg("%s: not the bytes that it should have", name);
	free(expected);
}
