/*
 * cmd_convert.c - quire convert: ONNX to container, with a summary of what
 * became of each weight. What may be overwritten is decided here; how the
 * conversion goes is libquire_convert's.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/files/output_file.h"
#include "cli/files/output_path.h"
#include "cli/files/recipe_option.h"
#include "cli/ui/convert_report.h"
#include "cli/ui/options.h"
#include "cli/ui/progress.h"
#include "cli/ui/signals.h"
#include "cli/ui/trouble.h"
#include "quire_convert.h"

struct values {
	const char *output;
	const char *report;
	const char *fallback;
	const char *recipe;
	uint32_t threads;
	uint32_t alignment;
	uint64_t split_size;
	bool force;
	bool print_recipe;
};

static const struct args_option options[] = {
	OPTION_OUTPUT(struct values, false, "OUT.gguf",
		      "the container to write"),
	OPTION_FORCE(struct values, "replace OUT.gguf if it exists"),
	{ .name = "report",
	  .value = "FILE.json",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, report),
	  .help = "write what became of each weight as JSON" },
	{ .name = "fallback",
	  .value = "TYPE",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, fallback),
	  .help = "what a weight that fits no block type becomes: f32, f16 "
		  "or error" },
	{ .name = "recipe",
	  .value = "FILE",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, recipe),
	  .help = "names, types and metadata by a recipe; llama: as llama.cpp "
		  "names tensors" },
	{ .name = "print-recipe",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, print_recipe),
	  .help = "convert nothing; print the recipe that would be followed" },
	OPTION_THREADS(struct values, "to use"),
	OPTION_ALIGN(struct values, 32, "16384"),
	{ .name = "split-size",
	  .value = "SIZE",
	  .type = ARGS_SIZE,
	  .offset = offsetof(struct values, split_size),
	  .help = "write a set of files of at most this size, as 4G, 500M or "
		  "2GiB" },
	{ .name = NULL },
};

/* NULL: as the recipe says. */
static bool fallback_named(const char *name, quire_fallback *fallback)
{
	static const struct {
		const char *name;
		quire_fallback fallback;
	} names[] = {
		{ "f32", QUIRE_FALLBACK_F32 },
		{ "f16", QUIRE_FALLBACK_F16 },
		{ "error", QUIRE_FALLBACK_ERROR },
	};

	*fallback = QUIRE_FALLBACK_DEFAULT;
	for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0) {
			*fallback = names[i].fallback;
			return true;
		}
	return !name;
}

/* Refuses what would destroy a file. Prints why. */
static bool paths_allowed(const struct values *values, const char *source)
{
	const char *recipe = values->recipe;
	const char *output = values->output;
	const char *report = values->report;

	if (!output_path_differs(output, source, "model", "output") ||
	    (recipe &&
	     !output_path_differs(output, recipe, "recipe", "output")))
		return false;
	if (report &&
	    (!output_path_differs(report, source, "model", "report") ||
	     !output_path_differs(report, output, "output", "report") ||
	     (recipe &&
	      !output_path_differs(report, recipe, "recipe", "report"))))
		return false;
	return output_path_allowed(output, values->force);
}

static int print_report(const struct conversion *conversion,
			struct output_file *report_file)
{
	convert_report_print(conversion);
	if (!report_file->stream)
		return EXIT_FINE;
	if (!convert_report_write(conversion, report_file->stream))
		return trouble_memory();
	return output_file_commit(report_file) ? EXIT_FINE : EXIT_TROUBLE;
}

static int convert(const struct values *values, quire_convert_options *how,
		   const char *source, struct output_file *report_file)
{
	struct progress progress = progress_start(values->output);
	struct conversion conversion = { .source = source,
					 .output = values->output,
					 .split_size = values->split_size };
	quire_convert_report *report = NULL;
	quire_status status;
	quire_error error;
	int code;

	how->progress = progress_report;
	how->context = &progress;
	status =
	    quire_convert_onnx(source, values->output, how, &report, &error);
	progress_clear(&progress);
	if (status == QUIRE_ERROR_CANCELLED)
		return EXIT_TROUBLE; /* the signal itself ends the program */
	if (status != QUIRE_OK)
		return trouble_with_files(
		    (const char *const[]){ source, values->output,
					   how->recipe_path, NULL },
		    &error);
	conversion.report = report;
	conversion.seconds = quire_clock_seconds() - progress.started;
	code = print_report(&conversion, report_file);
	quire_convert_report_free(report);
	return code;
}

/* The report is opened first: an error in its name costs no conversion. */
static int convert_with_report(const struct values *values,
			       quire_convert_options *how, const char *source)
{
	struct output_file report_file = { .stream = NULL };
	int code;

	if (values->report && !output_file_open(&report_file, values->report))
		return EXIT_TROUBLE;
	signals_hold();
	code = convert(values, how, source, &report_file);
	output_file_discard(&report_file);
	signals_release();
	return code;
}

static int print_recipe(const quire_convert_options *how)
{
	quire_error error;
	char *text;

	if (quire_recipe_write(how, &text, &error) != QUIRE_OK)
		return trouble_with_files(
		    (const char *const[]){ how->recipe_path, NULL }, &error);
	fputs(text, stdout);
	quire_recipe_text_free(text);
	return EXIT_FINE;
}

/* What a conversion needs, and what printing a recipe does not. */
static bool is_complete(const struct values *values,
			const struct args_words *words)
{
	if (values->print_recipe) {
		if (words->count == 0 && !values->output && !values->report)
			return true;
		trouble("convert: --print-recipe converts nothing: it takes no "
			"model, no output and no report");
		return false;
	}
	if (words->count == 0)
		trouble("convert: too few words; usage: quire convert %s",
			command_convert.usage);
	else if (!values->output)
		trouble("convert: -o OUT.gguf is missing; usage: quire convert "
			"%s",
			command_convert.usage);
	return words->count > 0 && values->output;
}

static bool choose(const struct values *values, quire_convert_options *how)
{
	*how = (quire_convert_options){ .threads = values->threads,
					.alignment = values->alignment,
					.overwrite = values->force,
					.split_size = values->split_size };
	if (!option_alignment_fits("convert", values->alignment))
		return false;
	if (!fallback_named(values->fallback, &how->fallback)) {
		trouble("convert: --fallback takes f32, f16 or error, not '%s'",
			values->fallback);
		return false;
	}
	return recipe_option_set(values->recipe, how);
}

static int run(int argc, char **argv)
{
	struct values values = { .output = NULL };
	quire_convert_options how;
	struct args_words words;
	int code;

	if (!args_parse(&command_convert, argc, argv, &values, &words, &code))
		return code;
	if (!is_complete(&values, &words) || !choose(&values, &how))
		return EXIT_TROUBLE;
	if (values.print_recipe)
		return print_recipe(&how);
	if (!paths_allowed(&values, words.word[0]))
		return EXIT_TROUBLE;
	return convert_with_report(&values, &how, words.word[0]);
}

const struct command command_convert = {
	.name = "convert",
	.summary = "make a container of an ONNX model",
	.usage = "MODEL.onnx -o OUT.gguf [options]",
	.about =
	    "Turns a model's quantized weights, and all floating-point "
	    "initializers, into one GGUF\nfile. Codes are kept as they are, in "
	    "Q4_0, Q4_1 or Q8_0; only their scales\nare rounded to f16. A "
	    "weight that none of these can hold is written dequantized, "
	    "and\nthe summary says why. External data is read from beside "
	    "the model.\n\n"
	    "--split-size makes OUT-00001-of-00003.gguf and so on, in place of "
	    "OUT.gguf, where\none file would be larger. Each part has its own "
	    "checksums; any of them names the\nset to other commands. K, M, G "
	    "and T are powers of 1000, Ki to Ti of 1024. A\ntensor larger than "
	    "the size has a part to itself.\n\n"
	    "A recipe is YAML (docs/recipe.md): which tensors to take, their "
	    "names and types,\nmetadata, alignment, split size. Options go "
	    "before what it says. A word without .\nand / names one that "
	    "comes with the command: llama. --print-recipe writes the one\n"
	    "that would be followed, to change and use.",
	.examples = "  quire convert model.onnx -o model.gguf\n"
		    "  quire convert model.onnx -o model.gguf --force "
		    "--report report.json\n"
		    "  quire convert model.onnx -o model.gguf --split-size 4G\n"
		    "  quire convert model.onnx -o model.gguf --recipe llama\n"
		    "  quire convert --print-recipe --recipe llama >my.yaml",
	.options = options,
	.words_min = 0, /* to print a recipe */
	.words_max = 1,
	.run = run,
};
