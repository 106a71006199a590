/*
 * cmd_verify.c - quire verify: hashes files and compares them with the
 * checksums in them or with a manifest. Verdicts are results and go to stdout;
 * for a file that cannot be checked, an error goes to stderr.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "cli/command.h"
#include "cli/files/known_sets.h"
#include "cli/files/lookup.h"
#include "cli/ui/options.h"
#include "cli/ui/trouble.h"
#include "cli/verify/check_manifest.h"

struct values {
	uint32_t threads;
	bool quiet;
	bool json;
	const char *against;
	struct manifest_options list;
};

static const struct args_option options[] = {
	OPTION_THREADS(struct values, "that hash"),
	{ .name = "quiet",
	  .letter = 'q',
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, quiet),
	  .help = "print nothing about good files" },
	OPTION_JSON(struct values,
		    "print a list with one JSON object for each file"),
	{ .name = "against",
	  .value = "GOOD",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, against),
	  .help = "show where damaged tensors differ from this good copy" },
	{ .name = "manifest",
	  .value = "LIST",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, list.list),
	  .help = "compare with this list of checksums; - is stdin" },
	{ .name = "tensors-only",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, list.tensors_only),
	  .help = "with --manifest: leave out headers and padding" },
	{ .name = NULL },
};

struct check {
	struct verdict verdict;
	const quire_model *model;
	const quire_model *good; /* NULL: none was given */
};

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
	struct check *check = context;

	return progress_report(&check->verdict.progress, done, total);
}

/* ------------------------------------------------------ against a good copy */

/* The tensor of that name in the good copy, or NULL; if *why is set, it cannot
 * be compared. */
static const quire_tensor *find_good(const struct check *check,
				     const quire_tensor *tensor,
				     const char **why)
{
	char name[64]; /* as GGUF's names end at 63 bytes */
	const quire_tensor *good;

	snprintf(name, sizeof(name), "%.*s", (int)tensor->name.size,
		 tensor->name.data);
	good = quire_model_find_tensor(check->good, name);
	*why = NULL;
	if (!good)
		*why = "has no such tensor";
	else if (good->size != tensor->size)
		*why = "has it in another size";
	else if (quire_tensor_hash(good) != tensor->xxh3)
		*why = "does not match the checksum either";
	return good;
}

/* Writes where a damaged tensor differs from the good copy, or "". */
static void compare_with_good(const struct check *check,
			      const quire_tensor *tensor, char *text,
			      size_t capacity)
{
	const uint64_t pages =
	    (tensor->size + QUIRE_DIFFERENCE_PAGE - 1) / QUIRE_DIFFERENCE_PAGE;
	const quire_tensor *good;
	quire_difference found = { .pages = 0 };
	char shown[VERDICT_NAME_CAPACITY];
	char name[VERDICT_NAME_CAPACITY + 3] = "";
	const char *why, *file;

	text[0] = '\0';
	if (!check->good)
		return;
	good = find_good(check, tensor, &why);
	file = good ? verdict_part(check->good, good->part) : NULL;
	if (file)
		snprintf(name, sizeof(name), "(%s) ",
			 verdict_name(shown, text_of(quire_path_name(file))));
	if (why) {
		snprintf(text, capacity, "; the good copy %s%s", name, why);
		return;
	}
	/* No page differs if the file was mended meanwhile. */
	if (!quire_tensor_diff(tensor, good, &found) || found.pages == 0)
		found.first = 0;
	snprintf(text, capacity,
		 "; %" PRIu64 " of its %" PRIu64 " pages of %d bytes %s from "
		 "the good copy, first page %" PRIu64 ", at byte %" PRIu64,
		 found.pages, pages, QUIRE_DIFFERENCE_PAGE,
		 found.pages == 1 ? "differs" : "differ",
		 found.first / QUIRE_DIFFERENCE_PAGE + 1,
		 tensor->offset + found.first);
}

/* --------------------------------------------- by the checksums in the file */

static void report_damage(void *context, const quire_tensor *tensor,
			  uint64_t actual_xxh3)
{
	struct check *check = context;
	char actual[24], expected[24], size[TEXT_SIZE_CAPACITY];
	char name[VERDICT_NAME_CAPACITY];
	char where[160 + 256]; /* and a name of the good copy */
	const struct verdict_facts facts = {
		.kind = "damaged",
		.path = verdict_part(check->model, tensor->part),
		.tensor = tensor,
		.algorithm = "xxh3",
		.expected = expected,
		.actual = actual,
	};

	snprintf(actual, sizeof(actual), "%016" PRIx64, actual_xxh3);
	snprintf(expected, sizeof(expected), "%016" PRIx64, tensor->xxh3);
	compare_with_good(check, tensor, where, sizeof(where));
	verdict_problem(&check->verdict, &facts,
			"damaged, tensor '%s' (%s at byte %" PRIu64
			"): XXH3 is %s, was %s when written%s",
			verdict_name(name, tensor->name),
			text_human_size(size, tensor->size), tensor->offset,
			actual, expected, where);
}

/* Each file with an edited header. */
static void report_edited(struct check *check)
{
	const bool intact = check->verdict.problems == 0;
	quire_part part;

	for (uint32_t i = 0; quire_model_part(check->model, i, &part); i++) {
		const struct verdict_facts facts = {
			.kind = "edited",
			.path = verdict_part(check->model, i),
			.offset = QUIRE_NO_OFFSET,
		};

		if (part.header_edited)
			verdict_problem(
			    &check->verdict, &facts,
			    "metadata was edited after the file was "
			    "written%s",
			    intact ? "; the tensors are intact" : "");
	}
}

static void report_padding(struct check *check, const quire_error *error)
{
	const bool is_set = quire_model_part_count(check->model) > 1;
	const struct verdict_facts facts = {
		.kind = "padding",
		.path = is_set ? error->path : NULL,
		.offset = error->offset,
	};
	const quire_string message = text_of(error->message);
	char shown[sizeof(error->message)];

	verdict_problem(&check->verdict, &facts,
			"damaged, padding: %s (at byte %" PRIu64 ")",
			text_shorten(shown, sizeof(shown), message),
			error->offset);
}

/* Reports the result of quire_model_verify. */
static int judge(struct check *check, quire_status status,
		 const quire_error *error)
{
	const quire_model *model = check->model;
	quire_model_info info;
	quire_error change;

	quire_model_describe(model, &info);
	switch (status) {
	case QUIRE_OK:
		return verdict_fine(&check->verdict, model);
	case QUIRE_ERROR_CHECKSUM:
	case QUIRE_ERROR_LAYOUT:
		/* A file that changed while it was read gets no verdict. */
		if (quire_model_check_files(model, &change) != QUIRE_OK)
			return verdict_trouble(&check->verdict, &change);
		if (info.header_edited)
			report_edited(check);
		if (status == QUIRE_ERROR_LAYOUT)
			report_padding(check, error);
		return verdict_differs(&check->verdict);
	case QUIRE_ERROR_NOT_FOUND:
		progress_clear(&check->verdict.progress);
		trouble("%s: has no checksums (another program wrote it); "
			"'quire hash' prints checksums of its tensors",
			check->verdict.path);
		return verdict_end_trouble(&check->verdict,
					   "it has no checksums");
	default:
		return verdict_trouble(&check->verdict, error);
	}
}

static int verify_model(struct verdict_printer *printer, const char *path,
			const quire_model *model, const quire_model *good,
			uint32_t threads)
{
	struct check check = { .verdict = verdict_begin(printer, path),
			       .model = model,
			       .good = good };
	const quire_verify_options how = {
		.threads = threads,
		.progress = show_progress,
		.damage = report_damage,
		.context = &check,
	};
	quire_error error;
	const quire_status status = quire_model_verify(model, &how, &error);

	return judge(&check, status, &error);
}

/* Skips a part of a set that was verified, or whose error was printed. */
static int verify_file(struct verdict_printer *printer,
		       struct known_sets *known, const char *path,
		       uint32_t threads, const quire_model *good)
{
	const quire_open_options lenient = { .allow_edited_header = true };
	struct verdict verdict;
	quire_model *model = NULL;
	quire_error error;
	int code;

	if (known_sets_have(known, path))
		return EXIT_FINE;
	if (quire_model_open(path, &lenient, &model, &error) != QUIRE_OK) {
		if (known_sets_failed(known, &error))
			return EXIT_TROUBLE;
		verdict = verdict_begin(printer, path);
		return verdict_trouble(&verdict, &error);
	}
	code = known_sets_add(known, model)
		   ? verify_model(printer, path, model, good, threads)
		   : trouble_memory();
	quire_model_close(model);
	return code;
}

static int verify_files(struct verdict_printer *printer,
			const struct values *values,
			const struct args_words *words)
{
	struct known_sets known = { .count = 0 };
	quire_model *good = NULL;
	int code = EXIT_FINE;

	if (values->against) {
		good = lookup_model(values->against, true);
		if (!good)
			return EXIT_TROUBLE;
	}
	for (int i = 0; i < words->count; i++)
		code = worse(code, verify_file(printer, &known, words->word[i],
					       values->threads, good));
	known_sets_free(&known);
	quire_model_close(good);
	return code;
}

static int run(int argc, char **argv)
{
	struct values values = { .threads = 0 };
	struct verdict_printer printer;
	struct args_words words;
	int code;

	if (!args_parse(&command_verify, argc, argv, &values, &words, &code))
		return code;
	if (values.against && values.list.list)
		return trouble("verify: --against and --manifest cannot be "
			       "given together");
	if (values.list.tensors_only && !values.list.list)
		return trouble("verify: --tensors-only is about a list: it "
			       "needs --manifest");
	values.list.threads = values.threads;
	printer = verdict_printer_start(values.json, values.quiet);
	code = values.list.list ? check_manifest(&printer, &values.list, &words)
				: verify_files(&printer, &values, &words);
	return worse(code, verdict_printer_finish(&printer));
}

static const char about[] =
    "Reads every byte once. Prints one line for each good file and one line\n"
    "for each damaged tensor. Metadata that another program edited is\n"
    "reported as such, and not as damage. A part of a split set stands for\n"
    "the set, which is verified once, however many of its parts are given;\n"
    "damage names the file that has it.\n"
    "\n"
    "With --manifest it compares with a list of checksums instead: lines of\n"
    "'quire hash' or llama-gguf-hash, for any GGUF file, or lines of\n"
    "sha256sum or xxhsum, for any file. The list must cover each file that is\n"
    "given, all of it, and name no other: what is only in the list or only in\n"
    "the file is reported. A list of tensors alone is partial, and fails\n"
    "unless --tensors-only leaves out names, types, shapes and metadata.\n"
    "A path of the list is that of a file if both are equal; else if their\n"
    "last names are, the most in common first. If two fit, it is an error.\n"
    "\n"
    "exit codes, the highest one of all files:\n"
    "  0  everything is as it was written\n"
    "  1  a tensor or padding is damaged, metadata was edited, or a file is\n"
    "     not what the list says or not covered by it\n"
    "  2  truncated, not a container, without checksums, or not readable; or\n"
    "     the list is not one or ambiguous";

static const char examples[] =
    "  quire verify model.gguf\n"
    "  quire verify --threads 2 --quiet *.gguf\n"
    "  quire verify model-00001-of-00003.gguf\n"
    "  quire verify damaged.gguf --against copy.gguf\n"
    "  quire verify model.gguf --manifest model.sha256\n"
    "  quire verify model.gguf --manifest tensors.xxh3 --tensors-only";

const struct command command_verify = {
	.name = "verify",
	.summary = "compare files with the checksums in them",
	.usage = "FILE... [--against GOOD | --manifest LIST] [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = ARGS_ANY,
	.run = run,
};
