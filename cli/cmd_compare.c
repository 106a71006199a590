/*
 * cmd_compare.c - quire compare: compares a container with the model from which
 * it was made. Verdicts are results and go to stdout; libquire_convert finds
 * them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/files/recognize.h"
#include "cli/ui/json_out.h"
#include "cli/ui/options.h"
#include "cli/ui/progress.h"
#include "cli/ui/terminal.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "quire_convert.h"

struct values {
	bool json;
};

static const struct args_option options[] = {
	OPTION_JSON(struct values, "print every row as one JSON object"),
	{ .name = NULL },
};

struct sums {
	uint64_t count;
	uint64_t different;
	double scale_error_max;
};

static struct sums sums_of(const quire_compare_report *report)
{
	struct sums sums = { 0 };

	for (size_t i = 0; i < report->count; i++) {
		const quire_compare_row *row = &report->rows[i];

		sums.count += row->count;
		sums.different += row->different;
		if (row->scale_error_max > sums.scale_error_max)
			sums.scale_error_max = row->scale_error_max;
	}
	return sums;
}

static const char *name_of(const quire_compare_row *row)
{
	return row->node ? row->node : row->source ? row->source : row->tensor;
}

/* A line for a row whose verdict is not "same". */
static void print_row(const quire_compare_row *row)
{
	const char *name = name_of(row);

	printf("  %s%s%s '", terminal_red(), quire_verdict_name(row->verdict),
	       terminal_plain());
	text_print(stdout, name);
	putchar('\'');
	if (row->reason)
		printf(": %s", row->reason);
	if (row->different)
		printf(": %" PRIu64 " of %" PRIu64 " %s", row->different,
		       row->count, row->node ? "codes" : "elements");
	if (row->scales_different)
		printf("%s%" PRIu64
		       " scales differ by more than their rounding",
		       row->different ? "; " : ": ", row->scales_different);
	putchar('\n');
}

static void print_text(const char *path, const quire_compare_report *report)
{
	const struct sums sums = sums_of(report);
	const size_t count = report->count - report->left;

	text_print(stdout, path);
	if (report->different == report->left)
		printf(": %ssame%s, %zu %s", terminal_green(), terminal_plain(),
		       count, count == 1 ? "weight" : "weights");
	else
		printf(": %zu of %zu weights differ",
		       report->different - report->left, count);
	if (report->left)
		printf("; %zu that the model has %s left out", report->left,
		       report->left == 1 ? "was" : "were");
	putchar('\n');
	for (size_t i = 0; i < report->count; i++)
		if (report->rows[i].verdict != QUIRE_VERDICT_SAME)
			print_row(&report->rows[i]);
	if (report->referred)
		printf("  %zu of them only in the container: the model refers "
		       "to it, and has no weights to compare\n",
		       report->referred);
	printf("  %" PRIu64 " codes and elements, %" PRIu64 " of them "
	       "different\n"
	       "  largest rounding of a scale: %.2g relative\n",
	       sums.count, sums.different, sums.scale_error_max);
}

static void json_row(struct json_out *out, const quire_compare_row *row)
{
	json_out_begin(out, NULL, '{');
	json_out_text(out, "node", row->node);
	json_out_text(out, "source", row->source);
	json_out_text(out, "tensor", row->tensor);
	json_out_text(out, "verdict", quire_verdict_name(row->verdict));
	json_out_text(out, "reason", row->reason);
	json_out_text(out, "dtype",
		      row->tensor ? quire_dtype_name(row->dtype) : NULL);
	json_out_u64(out, "count", row->count);
	json_out_u64(out, "different", row->different);
	json_out_u64(out, "scales_different", row->scales_different);
	json_out_f64(out, "scale_error_max", row->scale_error_max);
	json_out_end(out, '}');
}

static int print_json(char *const *paths, const quire_compare_report *report)
{
	struct json_out out = json_out_start(stdout);
	const struct sums sums = sums_of(report);

	json_out_begin(&out, NULL, '{');
	json_out_text(&out, "source", paths[0]);
	json_out_text(&out, "file", paths[1]);
	json_out_u64(&out, "rows_different", report->different);
	json_out_u64(&out, "rows_referred", report->referred);
	json_out_u64(&out, "rows_left", report->left);
	json_out_u64(&out, "count", sums.count);
	json_out_u64(&out, "different", sums.different);
	json_out_f64(&out, "scale_error_max", sums.scale_error_max);
	json_out_begin(&out, "rows", '[');
	for (size_t i = 0; i < report->count; i++)
		json_row(&out, &report->rows[i]);
	json_out_end(&out, ']');
	json_out_end(&out, '}');
	return json_out_finish(&out) ? EXIT_FINE : trouble_memory();
}

static int run(int argc, char **argv)
{
	struct values values = { .json = false };
	struct progress progress;
	const quire_compare_options how = { .progress = progress_report,
					    .context = &progress };
	quire_compare_report *report;
	struct args_words words;
	quire_status status;
	quire_error error;
	int code;

	if (!args_parse(&command_compare, argc, argv, &values, &words, &code))
		return code;
	progress = progress_start(words.word[1]);
	status = quire_compare_onnx(words.word[0], words.word[1], &how, &report,
				    &error);
	progress_clear(&progress);
	if (status != QUIRE_OK) {
		if (recognize_no_onnx(words.word[0], &error))
			return EXIT_TROUBLE;
		return trouble_with_files(
		    (const char *const[]){ words.word[0], words.word[1], NULL },
		    &error);
	}
	code = EXIT_FINE;
	if (values.json)
		code = print_json(words.word, report);
	else
		print_text(words.word[1], report);
	if (report->different)
		code = worse(code, EXIT_DIFFERS);
	quire_compare_report_free(report);
	return code;
}

static const char about[] =
    "Reads both files and decodes the model with code of its own, which\n"
    "shares nothing with 'quire convert'. Codes and dense elements must be\n"
    "the same, scales within their rounding to f16, and each weight must be\n"
    "in both. A node whose weight 'quire convert --leave' has left out is\n"
    "named, because the container lacks that weight.\n"
    "\n"
    "A thin model has no weights. Its nodes and its external data must refer\n"
    "to this container, by the checksum of its header, and to linears and\n"
    "tensors of their shapes.\n"
    "\n"
    "exit codes:\n"
    "  0  the container holds the model's weights\n"
    "  1  a weight differs, or is in one of the two only\n"
    "  2  one of the two cannot be read";

static const char examples[] = "  quire compare model.onnx model.gguf\n"
			       "  quire compare model.onnx model.gguf --json | "
			       "jq '.rows[] | select(.different > 0)'";

const struct command command_compare = {
	.name = "compare",
	.summary = "compare a container with the model it was made from",
	.usage = "MODEL.onnx FILE.gguf [--json]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 2,
	.words_max = 2,
	.run = run,
};
