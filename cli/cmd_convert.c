/*
 * cmd_convert.c - quire convert: ONNX to container, with a summary of the
 * weights. Decides what may be overwritten; libquire_convert does the
 * conversion.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/files/output_file.h"
#include "cli/files/output_path.h"
#include "cli/files/recipe_option.h"
#include "cli/files/recognize.h"
#include "cli/ui/convert_report.h"
#include "cli/ui/convert_warnings.h"
#include "cli/ui/options.h"
#include "cli/ui/progress.h"
#include "cli/ui/signals.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "quire_convert.h"

struct values {
	const char *output;
	const char *report;
	const char *fallback;
	const char *recipe;
	const char *target;
	const char *config;
	const char *tokenizer_pre;
	bool no_tokenizer;
	bool keep_fused_qkv;
	uint32_t threads;
	uint32_t alignment;
	uint64_t split_size;
	uint64_t max_memory;
	struct args_list leave;
	bool leave_unsupported;
	bool force;
	bool quiet;
	bool dry_run;
	bool print_recipe;
};

static const struct args_option options[] = {
	OPTION_OUTPUT(struct values, false, "OUT.gguf",
		      "the container to write"),
	OPTION_FORCE(struct values,
		     "replace OUT.gguf and FILE.json if they exist"),
	{ .name = "report",
	  .value = "FILE.json",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, report),
	  .help = "write the result for each weight as JSON" },
	{ .name = "fallback",
	  .value = "TYPE",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, fallback),
	  .help = "what to do if no block type can hold a weight: f32, f16 or "
		  "error" },
	{ .name = "leave",
	  .value = "PATTERN",
	  .type = ARGS_LIST,
	  .offset = offsetof(struct values, leave),
	  .help = "leave out what is so named, unsupported nodes too" },
	{ .name = "leave-unsupported",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, leave_unsupported),
	  .help = "leave out nodes that cannot be converted" },
	{ .name = "recipe",
	  .value = "FILE",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, recipe),
	  .help = "follow this recipe; llama: the tensor names of llama.cpp" },
	{ .name = "print-recipe",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, print_recipe),
	  .help = "print the recipe that would be followed; convert nothing" },
	{ .name = "for",
	  .value = "PROGRAM",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, target),
	  .help = "make a file that PROGRAM runs: llama.cpp" },
	{ .name = "config",
	  .value = "DIR",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, config),
	  .help = "with --for: where genai_config.json and the tokenizer are" },
	{ .name = "tokenizer-pre",
	  .value = "NAME",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, tokenizer_pre),
	  .help = "with --for: llama.cpp's name of the pre-tokenizer" },
	{ .name = "no-tokenizer",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, no_tokenizer),
	  .help = "with --for: write no tokenizer; the file takes token ids" },
	{ .name = "keep-fused-qkv",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, keep_fused_qkv),
	  .help = "with --for: leave q, k and v in one tensor" },
	OPTION_THREADS(struct values, "to use"),
	OPTION_ALIGN(struct values, 32, "16384"),
	{ .name = "dry-run",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, dry_run),
	  .help = "decide and print the summary; write no container" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, quiet),
	  .help = "print no summary and no progress; warnings stay" },
	{ .name = "split-size",
	  .value = "SIZE",
	  .type = ARGS_SIZE,
	  .offset = offsetof(struct values, split_size),
	  .help = "write a set of files of at most this size: 4G, 0.5G, 2GiB" },
	OPTION_MAX_MEMORY(struct values),
	{ .name = NULL },
};

/* NULL: what the recipe says. */
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
		if (text_equal_any_case(text_of(name), names[i].name)) {
			*fallback = names[i].fallback;
			return true;
		}
	return !name;
}

/* Refuses paths where a file would be destroyed. Prints why. */
static bool paths_allowed(const struct values *values, const char *source)
{
	const char *recipe = values->recipe;
	const char *output = values->output;
	const char *report = values->report;

	if (output &&
	    (!output_path_differs(output, source, "model", "output") ||
	     (recipe &&
	      !output_path_differs(output, recipe, "recipe", "output"))))
		return false;
	if (report &&
	    (!output_path_differs(report, source, "model", "report") ||
	     (output &&
	      !output_path_differs(report, output, "output", "report")) ||
	     (recipe &&
	      !output_path_differs(report, recipe, "recipe", "report"))))
		return false;
	return !output || output_path_allowed(output, values->force);
}

static int print_report(const struct conversion *conversion, bool quiet,
			struct output_file *report_file)
{
	if (!quiet)
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
	struct progress progress =
	    progress_start(values->output ? values->output : source);
	struct conversion conversion = { .source = source,
					 .output = values->output,
					 .dry_run = values->dry_run,
					 .split_size = values->split_size };
	quire_convert_report *report = NULL;
	quire_status status;
	quire_error error;
	int code;

	if (values->quiet)
		progress.visible = false;
	how->progress = progress_report;
	how->context = &progress;
	status =
	    quire_convert_onnx(source, values->output, how, &report, &error);
	progress_clear(&progress);
	if (status == QUIRE_ERROR_CANCELLED)
		return EXIT_TROUBLE; /* the signal ends the program */
	if (status != QUIRE_OK && recognize_no_onnx(source, &error))
		return EXIT_TROUBLE;
	if (status != QUIRE_OK)
		return trouble_with_files(
		    (const char *const[]){ source, values->output,
					   how->recipe_path, NULL },
		    &error);
	conversion.report = report;
	convert_warnings_tell(report);
	conversion.seconds = quire_clock_seconds() - progress.started;
	code = print_report(&conversion, values->quiet, report_file);
	if (report->left > 0)
		code = worse(code, EXIT_DIFFERS);
	quire_convert_report_free(report);
	return code;
}

/* Opens the report first: a wrong name is found before the conversion. */
static int convert_with_report(const struct values *values,
			       quire_convert_options *how, const char *source)
{
	struct output_file report_file = { .stream = NULL };
	int code;

	if (values->report &&
	    !output_file_open(&report_file, values->report, values->force))
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

/* Whether there is what a conversion needs, or nothing that printing a recipe
 * does not use. */
static bool is_complete(const struct values *values,
			const struct args_words *words)
{
	if (values->print_recipe) {
		if (words->count == 0 && !values->output && !values->report)
			return true;
		trouble("convert: --print-recipe takes no model, no output and "
			"no report, because it converts nothing");
		return false;
	}
	if (words->count == 0)
		trouble("convert: too few words; usage: quire convert %s",
			command_convert.usage);
	else if (!values->output && !values->dry_run)
		trouble("convert: -o OUT.gguf is missing; usage: quire convert "
			"%s",
			command_convert.usage);
	return words->count > 0 && (values->output || values->dry_run);
}

/* Whether the options for a target have one, and fit it. */
static bool target_fits(const struct values *values)
{
	static const char *const known = "llama.cpp";

	if (!values->target) {
		if (!values->config && !values->tokenizer_pre &&
		    !values->no_tokenizer && !values->keep_fused_qkv)
			return true;
		trouble("convert: --config, --tokenizer-pre, --no-tokenizer "
			"and --keep-fused-qkv go with --for %s",
			known);
		return false;
	}
	if (strcmp(values->target, known) != 0) {
		trouble("convert: --for takes %s, not '%s'", known,
			values->target);
		return false;
	}
	if (values->tokenizer_pre && values->no_tokenizer) {
		trouble("convert: --tokenizer-pre and --no-tokenizer exclude "
			"each other");
		return false;
	}
	if (!values->recipe && !values->print_recipe &&
	    values->leave.count == 0 && !values->leave_unsupported)
		return true;
	trouble("convert: --for decides about tensors and names by itself; it "
		"excludes --recipe, --print-recipe, --leave and "
		"--leave-unsupported");
	return false;
}

static bool choose(const struct values *values, quire_convert_options *how)
{
	*how =
	    (quire_convert_options){ .threads = values->threads,
				     .alignment = values->alignment,
				     .overwrite = values->force,
				     .leave = values->leave.item,
				     .leave_count = values->leave.count,
				     .leave_unsupported =
					 values->leave_unsupported,
				     .dry_run = values->dry_run,
				     .report_path = values->report,
				     .split_size = values->split_size,
				     .max_memory = values->max_memory,
				     .target = values->target,
				     .config_path = values->config,
				     .tokenizer_pre = values->tokenizer_pre,
				     .no_tokenizer = values->no_tokenizer,
				     .keep_fused_qkv = values->keep_fused_qkv };
	if (!target_fits(values))
		return false;
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

static const char about[] =
    "Writes a model's quantized weights and floating-point initializers into\n"
    "one GGUF file. Weights are not quantized again: their codes are kept, in\n"
    "Q4_0, Q4_1 or Q8_0, and only their scales are rounded to f16. A weight\n"
    "that none of these types can hold is written dequantized, and the\n"
    "summary says why. External data is read from the model's folder.\n"
    "\n"
    "--split-size writes OUT-00001-of-00003.gguf and so on instead of\n"
    "OUT.gguf if one file would be larger than SIZE. Each part has its own\n"
    "checksums. Other commands take any part for the whole set. K, M, G and T\n"
    "are powers of 1000, Ki to Ti powers of 1024. A part with a single tensor\n"
    "may be larger than SIZE.\n"
    "\n"
    "A quantized weight that becomes dense is a warning on stderr, with the\n"
    "reason. A node whose weight cannot be converted is an error; --leave and\n"
    "--leave-unsupported leave it out instead, and the exit status is 1.\n"
    "\n"
    "--dry-run reads the model and decides about every weight, as a "
    "conversion\n"
    "does, and prints the summary, the parts of a split set, and the report "
    "if\n"
    "one is wanted. It writes no container and needs no -o.\n"
    "\n"
    "--for llama.cpp writes a file that llama.cpp, Ollama and the like run\n"
    "(docs/llama.md): the tensors' names and rows, the metadata and the\n"
    "tokenizer are llama.cpp's. The model is a folder as onnxruntime-genai's\n"
    "builder writes it, or a file in one.\n"
    "\n"
    "A recipe is a YAML file (docs/recipe.md): which tensors to take, their\n"
    "names and types, metadata, alignment, split size. Options override it. A\n"
    "word without . and / is the name of a recipe that comes with the\n"
    "command: llama. --print-recipe prints the recipe that would be followed;\n"
    "change it and use it.";

static const char examples[] =
    "  quire convert model.onnx -o model.gguf\n"
    "  quire convert model.onnx -o model.gguf --force --report report.json\n"
    "  quire convert model.onnx -o model.gguf --split-size 4G\n"
    "  quire convert model.onnx --dry-run\n"
    "  quire convert model.onnx -o model.gguf --recipe llama\n"
    "  quire convert phi-3-mini -o phi-3-mini.gguf --for llama.cpp\n"
    "  quire convert --print-recipe --recipe llama >my.yaml";

const struct command command_convert = {
	.name = "convert",
	.summary = "make a container of an ONNX model",
	.usage = "MODEL.onnx -o OUT.gguf [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 0, /* to print a recipe */
	.words_max = 1,
	.run = run,
};
