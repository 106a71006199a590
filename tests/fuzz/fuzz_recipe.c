/*
 * fuzz_recipe.c - any bytes as a recipe. A recipe that reads can be printed,
 * reads back as the same, and converts a model or gives a reason why not. The
 * error of any other has a line and a column.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "quire_convert.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"

/* A message begins with "line LINE, column COLUMN: ". */
static void check_message(const quire_error *error)
{
	unsigned long line, column;
	int end = 0;

	FUZZ_CHECK(error->status == QUIRE_ERROR_ARGUMENT);
	FUZZ_CHECK(strcmp(error->path, "fuzzed") == 0);
	sscanf(error->message, "line %lu, column %lu: %n", &line, &column,
	       &end);
	FUZZ_CHECK(end > 0 && line > 0 && column > 0);
	FUZZ_CHECK(error->message[end] != '\0');
}

static void check_printed(const char *text)
{
	const quire_convert_options again = { .recipe = text,
					      .recipe_size = strlen(text) };
	char *twice;

	FUZZ_CHECK(quire_recipe_write(&again, &twice, NULL) == QUIRE_OK);
	FUZZ_CHECK(strcmp(text, twice) == 0);
	quire_recipe_text_free(twice);
}

static void convert(const quire_convert_options *options)
{
	char output[FUZZ_PATH_SIZE];
	quire_error error;

	fuzz_path(output, "model.gguf");
	if (quire_convert_onnx(QUIRE_ONNX "/good/layout_qwen2.onnx", output,
			       options, NULL, &error) == QUIRE_OK) {
		quire_model *model;

		/* A split set has another name. */
		if (access(output, F_OK) == 0) {
			FUZZ_CHECK(quire_model_open(output, NULL, &model,
						    NULL) == QUIRE_OK);
			quire_model_close(model);
		}
	} else {
		FUZZ_CHECK(error.message[0] != '\0');
		FUZZ_CHECK(fuzz_file_count() == 0);
	}
	fuzz_remove_files();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const quire_convert_options options = {
		.threads = 1,
		.recipe = (const char *)data,
		.recipe_size = size,
		.recipe_name = "fuzzed",
	};
	quire_error error;
	char *text;

	if (size == 0)
		return 0;
	if (quire_recipe_write(&options, &text, &error) != QUIRE_OK) {
		check_message(&error);
		return 0;
	}
	check_printed(text);
	quire_recipe_text_free(text);
	convert(&options);
	return 0;
}
