/*
 * cmd_thin.c - quire thin: an ONNX model without the weights that its container
 * holds. libquire_convert does it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/files/output_path.h"
#include "cli/files/recognize.h"
#include "cli/ui/json_out.h"
#include "cli/ui/options.h"
#include "cli/ui/progress.h"
#include "cli/ui/signals.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "quire_convert.h"

struct values {
	const char *output;
	uint32_t threads;
	bool force;
	bool json;
	uint64_t max_memory;
};

static const struct args_option options[] = {
	OPTION_OUTPUT(struct values, true, "THIN.onnx", "the model to write"),
	OPTION_FORCE(struct values, "replace THIN.onnx if it exists"),
	OPTION_THREADS(struct values, "to use"),
	OPTION_MAX_MEMORY(struct values),
	OPTION_JSON(struct values, "print every row as one JSON object"),
	{ .name = NULL },
};

static void print_count(const char *what, size_t count)
{
	if (count > 0)
		printf("  %-10s %zu\n", what, count);
}

/* Weights that stay, with the reason. */
static void print_kept(const quire_thin_row *row)
{
	char size[TEXT_SIZE_CAPACITY];

	text_human_size(size, row->size);
	printf("    '");
	text_print(stdout, row->node ? row->node : row->source);
	printf("' %s%s%s: %s\n", row->op_type ? row->op_type : "",
	       row->op_type ? ", " : "", size, row->reason);
}

static void print_text(const struct values *values,
		       const quire_thin_report *report)
{
	char before[TEXT_SIZE_CAPACITY];
	char after[TEXT_SIZE_CAPACITY];

	text_human_size(before, report->source_size);
	text_human_size(after, report->file_size);
	text_print(stdout, values->output);
	printf(": %s instead of %s\n", after, before);
	print_count("linears", report->linears);
	print_count("grouped", report->groups);
	print_count("embeddings", report->embeddings);
	print_count("constants", report->constants);
	print_count("kept", report->kept);
	for (size_t i = 0; i < report->count; i++)
		if (report->rows[i].outcome == QUIRE_THIN_KEPT)
			print_kept(&report->rows[i]);
}

static void json_row(struct json_out *out, const quire_thin_row *row)
{
	json_out_begin(out, NULL, '{');
	json_out_text(out, "node", row->node);
	json_out_text(out, "op_type", row->op_type);
	json_out_text(out, "source", row->source);
	json_out_text(out, "tensor", row->tensor);
	json_out_text(out, "outcome", quire_thin_outcome_name(row->outcome));
	json_out_text(out, "reason", row->reason);
	json_out_u64(out, "size", row->size);
	json_out_end(out, '}');
}

static int print_json(const struct values *values, char *const *paths,
		      const quire_thin_report *report)
{
	struct json_out out = json_out_start(stdout);

	json_out_begin(&out, NULL, '{');
	json_out_text(&out, "source", paths[0]);
	json_out_text(&out, "container", paths[1]);
	json_out_text(&out, "file", values->output);
	json_out_u64(&out, "source_size", report->source_size);
	json_out_u64(&out, "file_size", report->file_size);
	json_out_u64(&out, "linears", report->linears);
	json_out_u64(&out, "groups", report->groups);
	json_out_u64(&out, "embeddings", report->embeddings);
	json_out_u64(&out, "constants", report->constants);
	json_out_u64(&out, "kept", report->kept);
	json_out_begin(&out, "rows", '[');
	for (size_t i = 0; i < report->count; i++)
		json_row(&out, &report->rows[i]);
	json_out_end(&out, ']');
	json_out_end(&out, '}');
	return json_out_finish(&out) ? EXIT_FINE : trouble_memory();
}

static int report_failure(const struct values *values, char *const *paths,
			  const quire_error *error)
{
	if (recognize_no_onnx(paths[0], error))
		return EXIT_TROUBLE;
	if (error->path[0] == '\0')
		return trouble("%s with %s: %s", paths[0], paths[1],
			       error->message);
	return trouble_with_files(
	    (const char *const[]){ paths[0], paths[1], values->output, NULL },
	    error);
}

static int thin(const struct values *values, char *const *paths)
{
	struct progress progress = progress_start(values->output);
	const quire_thin_options how = {
		.threads = values->threads,
		.overwrite = values->force,
		.progress = progress_report,
		.context = &progress,
		.max_memory = values->max_memory,
	};
	quire_thin_report *report;
	quire_status status;
	quire_error error;
	int code = EXIT_FINE;

	status = quire_thin_onnx(paths[0], paths[1], values->output, &how,
				 &report, &error);
	progress_clear(&progress);
	if (status == QUIRE_ERROR_CANCELLED)
		return EXIT_TROUBLE; /* the signal ends the program */
	if (status != QUIRE_OK)
		return report_failure(values, paths, &error);
	if (values->json)
		code = print_json(values, paths, report);
	else
		print_text(values, report);
	quire_thin_report_free(report);
	return code;
}

static int run(int argc, char **argv)
{
	struct values values = { .output = NULL };
	struct args_words words;
	int code;

	if (!args_parse(&command_thin, argc, argv, &values, &words, &code))
		return code;
	if (!output_path_differs(values.output, words.word[0], "model",
				 "output") ||
	    !output_path_differs(values.output, words.word[1], "container",
				 "output") ||
	    !output_path_allowed(values.output, values.force))
		return EXIT_TROUBLE;
	signals_hold();
	code = thin(&values, words.word);
	signals_release();
	return code;
}

static const char about[] =
    "Writes the model without the weights that the container holds. ONNX\n"
    "Runtime runs the two files with Quire's library of custom operators:\n"
    "nodes with quantized weights become quire.Linear, quire.LinearMany and\n"
    "quire.Embedding, and float constants of 1 KiB or more become external\n"
    "data in FILE.gguf. All else stays, and what cannot go is listed with the\n"
    "reason.\n"
    "\n"
    "The container must be the model's: every tensor is made again from the\n"
    "model and compared before THIN.onnx is written. It must lie in the "
    "folder\n"
    "of THIN.onnx, or below it, because ONNX Runtime looks for it there.\n"
    "THIN.onnx has the checksum of its header, so another container is\n"
    "refused when a session is created: convert again, thin again.";

static const char examples[] =
    "  quire convert model.onnx -o model.gguf\n"
    "  quire thin model.onnx model.gguf -o thin.onnx\n"
    "  quire compare thin.onnx model.gguf\n"
    "  quire thin model.onnx model.gguf -o thin.onnx --force --json | "
    "jq '.rows[] | select(.outcome == \"kept\")'";

const struct command command_thin = {
	.name = "thin",
	.summary = "take the weights that a container holds out of its model",
	.usage = "MODEL.onnx FILE.gguf -o THIN.onnx [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 2,
	.words_max = 2,
	.run = run,
};
