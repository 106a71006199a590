/*
 * cmd_export.c - quire export: puts a container's weights back into the ONNX
 * model from which it was made. libquire_convert does it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/files/output_path.h"
#include "cli/files/recognize.h"
#include "cli/ui/options.h"
#include "cli/ui/progress.h"
#include "cli/ui/signals.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "quire_convert.h"

struct values {
	const char *model;
	const char *output;
	bool external_data;
	bool force;
	uint64_t max_memory;
};

static const struct args_option options[] = {
	{ .name = "onnx",
	  .value = "MODEL.onnx",
	  .type = ARGS_TEXT,
	  .required = true,
	  .offset = offsetof(struct values, model),
	  .help = "the model from which the container was made" },
	OPTION_OUTPUT(struct values, true, "BACK.onnx", "the model to write"),
	{ .name = "external-data",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, external_data),
	  .help =
	      "put weights into BACK.onnx.data; needed for more than 2 GiB" },
	OPTION_FORCE(struct values,
		     "replace BACK.onnx and its data if they exist"),
	OPTION_MAX_MEMORY(struct values),
	{ .name = NULL },
};

static void print_count(const char *what, size_t count)
{
	if (count > 0)
		printf("  %-10s %zu\n", what, count);
}

static void print_summary(const struct values *values,
			  const quire_export_summary *summary)
{
	char size[TEXT_SIZE_CAPACITY];

	text_human_size(size, summary->file_size);
	text_print(stdout, values->output);
	printf(": %s", size);
	if (summary->data_size) {
		text_human_size(size, summary->data_size);
		printf(", and %s of data beside it", size);
	}
	putchar('\n');
	print_count("weights", summary->weights);
	print_count("kept", summary->kept);
	print_count("constants", summary->plain);
}

static int report_failure(const struct values *values, const char *container,
			  const quire_error *error)
{
	const char *const paths[] = { values->output, values->model, container,
				      NULL };

	if (recognize_no_onnx(values->model, error))
		return EXIT_TROUBLE;
	if (error->path[0] == '\0')
		return trouble("%s with %s: %s", container, values->model,
			       error->message);
	if (error->status == QUIRE_ERROR_UNSUPPORTED &&
	    !values->external_data &&
	    quire_error_is_about(error, values->output))
		return trouble("%s: %s; see --external-data", values->output,
			       error->message);
	return trouble_with_files(paths, error);
}

static int export(const struct values *values, const char *container)
{
	struct progress progress = progress_start(values->output);
	const quire_export_options how = {
		.overwrite = values->force,
		.external_data = values->external_data,
		.progress = progress_report,
		.context = &progress,
		.max_memory = values->max_memory,
	};
	quire_export_summary summary;
	quire_status status;
	quire_error error;

	status = quire_export_onnx(container, values->model, values->output,
				   &how, &summary, &error);
	progress_clear(&progress);
	if (status == QUIRE_ERROR_CANCELLED)
		return EXIT_TROUBLE; /* the signal ends the program */
	if (status != QUIRE_OK)
		return report_failure(values, container, &error);
	print_summary(values, &summary);
	return EXIT_FINE;
}

static int run(int argc, char **argv)
{
	struct values values = { .output = NULL };
	struct args_words words;
	int code;

	if (!args_parse(&command_export, argc, argv, &values, &words, &code))
		return code;
	if (!output_path_differs(values.output, values.model, "model",
				 "output") ||
	    !output_path_differs(values.output, words.word[0], "container",
				 "output") ||
	    !output_path_allowed(values.output, values.force))
		return EXIT_TROUBLE;
	signals_hold();
	code = export(&values, words.word[0]);
	signals_release();
	return code;
}

static const char about[] =
    "Writes the ONNX model from which the container was made, with the\n"
    "container's weights: what you test in ONNX Runtime is what you ship.\n"
    "Codes and zero points are those of the model, scales are rounded to f16,\n"
    "and every other byte stays as it is. Converted again, the new model\n"
    "gives the same tensors.\n"
    "\n"
    "A weight that is dequantized in the container must have the same bits as\n"
    "in the model, which then keeps it; otherwise the export fails. It also\n"
    "fails for a container that was made from another model.";

static const char examples[] =
    "  quire export model.gguf --onnx model.onnx -o back.onnx\n"
    "  quire export model.gguf --onnx model.onnx -o back.onnx --external-data\n"
    "  quire compare back.onnx model.gguf";

const struct command command_export = {
	.name = "export",
	.summary = "put a container's weights back into its ONNX model",
	.usage = "FILE.gguf --onnx MODEL.onnx -o BACK.onnx [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = 1,
	.run = run,
};
