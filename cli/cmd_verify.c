/*
 * cmd_verify.c - quire verify: hashes files and says what is wrong, by the
 * checksums that they carry or by a manifest. Verdicts on contents are results
 * and go to stdout; a file that cannot be judged at all is trouble and goes to
 * stderr.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/files/lookup.h"
#include "cli/ui/options.h"
#include "cli/ui/trouble.h"
#include "cli/verify/check_manifest.h"

/* What a disk loses at once; file systems and memory go by it, too. */
#define DAMAGE_PAGE 4096

struct values {
	uint32_t threads;
	bool quiet;
	bool json;
	const char *against;
	const char *manifest;
};

static const struct args_option options[] = {
	OPTION_THREADS(struct values, "that hash"),
	{ .name = "quiet",
	  .letter = 'q',
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct values, quiet),
	  .help = "print nothing about what is fine" },
	OPTION_JSON(struct values,
		    "print a list with one JSON object for each file"),
	{ .name = "against",
	  .value = "GOOD",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, against),
	  .help = "tell where damaged tensors differ from this good copy" },
	{ .name = "manifest",
	  .value = "LIST",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, manifest),
	  .help = "compare with this list of checksums; - is stdin" },
	{ .name = NULL },
};

struct check {
	struct verdict verdict;
	const quire_model *good;
};

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
	struct check *check = context;

	return progress_report(&check->verdict.progress, done, total);
}

/* ------------------------------------------------------ against a good copy */

struct difference {
	uint64_t first; /* byte of the tensor */
	uint64_t page;	/* that it is in, from 0 */
	uint64_t pages; /* that differ */
};

static struct difference find_difference(const quire_tensor *tensor,
					 const quire_tensor *good)
{
	const unsigned char *bytes = tensor->data, *others = good->data;
	struct difference found = { .pages = 0 };

	for (uint64_t at = 0; at < tensor->size; at += DAMAGE_PAGE) {
		const uint64_t rest = tensor->size - at;
		const size_t size =
		    rest < DAMAGE_PAGE ? (size_t)rest : (size_t)DAMAGE_PAGE;
		size_t i = 0;

		if (memcmp(bytes + at, others + at, size) == 0)
			continue;
		if (found.pages++ > 0)
			continue;
		while (bytes[at + i] == others[at + i])
			i++;
		found.first = at + i;
		found.page = at / DAMAGE_PAGE;
	}
	return found;
}

/* What the good copy has under the tensor's name, if it is the same and good;
 * else *why tells why not. */
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
		*why = "has one of another size";
	else if (quire_tensor_hash(good) != tensor->xxh3)
		*why = "is not as it was written, either";
	return *why ? NULL : good;
}

/* Writes what the good copy tells of a damaged tensor, or "". */
static void compare_with_good(const struct check *check,
			      const quire_tensor *tensor, char *text,
			      size_t capacity)
{
	const uint64_t pages = (tensor->size + DAMAGE_PAGE - 1) / DAMAGE_PAGE;
	const quire_tensor *good;
	struct difference found;
	const char *why;

	text[0] = '\0';
	if (!check->good)
		return;
	good = find_good(check, tensor, &why);
	if (!good) {
		snprintf(text, capacity, "; the good copy %s", why);
		return;
	}
	found = find_difference(tensor, good);
	snprintf(text, capacity,
		 "; %" PRIu64 " of its %" PRIu64 " pages of %d bytes %s from "
		 "the good copy, first page %" PRIu64 ", at byte %" PRIu64,
		 found.pages, pages, DAMAGE_PAGE,
		 found.pages == 1 ? "differs" : "differ", found.page + 1,
		 tensor->offset + found.first);
}

/* ------------------------------------------------ by the checksums in the file
 */

static void tell_damage(void *context, const quire_tensor *tensor,
			uint64_t actual_xxh3)
{
	struct check *check = context;
	char actual[24], expected[24], size[TEXT_SIZE_CAPACITY];
	char name[VERDICT_NAME_CAPACITY];
	char where[160];
	const struct verdict_facts facts = {
		.kind = "damaged",
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

static void tell_edited(struct check *check)
{
	const struct verdict_facts facts = { .kind = "edited",
					     .offset = QUIRE_NO_OFFSET };

	verdict_problem(
	    &check->verdict, &facts, "metadata was edited after writing%s",
	    check->verdict.problems > 0 ? "" : "; tensors are intact");
}

static void tell_padding(struct check *check, const quire_error *error)
{
	const struct verdict_facts facts = { .kind = "padding",
					     .offset = error->offset };
	const quire_string message = text_of(error->message);
	char shown[sizeof(error->message)];

	verdict_problem(&check->verdict, &facts,
			"damaged, padding: %s (at byte %" PRIu64 ")",
			text_shorten(shown, sizeof(shown), message),
			error->offset);
}

/* Everything after the hashing: `status` is what quire_model_verify said. */
static int judge(struct check *check, const quire_model *model,
		 quire_status status, const quire_error *error)
{
	quire_model_info info;
	quire_error change;

	quire_model_describe(model, &info);
	switch (status) {
	case QUIRE_OK:
		return verdict_fine(&check->verdict, model);
	case QUIRE_ERROR_CHECKSUM:
	case QUIRE_ERROR_LAYOUT:
		/* No verdict on what was changed while it was read. */
		if (quire_model_check_files(model, &change) != QUIRE_OK)
			return verdict_trouble(&check->verdict, &change);
		if (info.header_edited)
			tell_edited(check);
		if (status == QUIRE_ERROR_LAYOUT)
			tell_padding(check, error);
		return verdict_differs(&check->verdict);
	case QUIRE_ERROR_NOT_FOUND:
		progress_clear(&check->verdict.progress);
		trouble("%s: carries no checksums (a GGUF file of another "
			"program); 'quire hash' prints what its tensors hash "
			"to",
			check->verdict.path);
		return verdict_end_trouble(&check->verdict,
					   "it carries no checksums");
	default:
		return verdict_trouble(&check->verdict, error);
	}
}

static int verify_file(struct verdict_printer *printer, const char *path,
		       uint32_t threads, const quire_model *good)
{
	const quire_open_options lenient = { .allow_edited_header = true };
	struct check check = { .verdict = verdict_begin(printer, path),
			       .good = good };
	const quire_verify_options how = {
		.threads = threads,
		.progress = show_progress,
		.damage = tell_damage,
		.context = &check,
	};
	quire_model *model = NULL;
	quire_status status;
	quire_error error;
	int code;

	if (quire_model_open(path, &lenient, &model, &error) != QUIRE_OK)
		return verdict_trouble(&check.verdict, &error);
	status = quire_model_verify(model, &how, &error);
	code = judge(&check, model, status, &error);
	quire_model_close(model);
	return code;
}

static int verify_files(struct verdict_printer *printer,
			const struct values *values,
			const struct args_words *words)
{
	quire_model *good = NULL;
	int code = EXIT_FINE;

	if (values->against) {
		good = lookup_model(values->against, true);
		if (!good)
			return EXIT_TROUBLE;
	}
	for (int i = 0; i < words->count; i++)
		code = worse(code, verify_file(printer, words->word[i],
					       values->threads, good));
	quire_model_close(good);
	return code;
}

static int check_files(struct verdict_printer *printer,
		       const struct values *values,
		       const struct args_words *words)
{
	struct manifest manifest;
	int code = EXIT_FINE;

	if (!manifest_read(&manifest, values->manifest))
		return EXIT_TROUBLE;
	for (int i = 0; i < words->count; i++)
		code = worse(code, check_manifest_file(printer, &manifest,
						       words->word[i],
						       values->threads));
	code = worse(code, check_manifest_rest(printer, &manifest));
	manifest_free(&manifest);
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
	if (values.against && values.manifest)
		return trouble("verify: --against and --manifest do not go "
			       "together");
	printer = verdict_printer_start(values.json, values.quiet);
	code = values.manifest ? check_files(&printer, &values, &words)
			       : verify_files(&printer, &values, &words);
	return worse(code, verdict_printer_finish(&printer));
}

const struct command command_verify = {
	.name = "verify",
	.summary = "check files against the checksums that they carry",
	.usage = "FILE... [--against GOOD | --manifest LIST] [options]",
	.about =
	    "Reads every byte once. Prints one line for a file that is "
	    "fine, one for each\ndamaged tensor, and tells damage from "
	    "metadata that another program edited.\n\nWith --manifest it goes "
	    "by a list of checksums instead: the lines of 'quire hash'\nor "
	    "llama-gguf-hash, for any GGUF file, or of sha256sum or xxhsum, "
	    "for any file. What\nis in the list but not in a file, or the "
	    "other way round, counts as damage.\n\nexit codes, the worst "
	    "over the files:\n"
	    "  0  all is as it was written\n"
	    "  1  a tensor or padding is damaged, or metadata was edited\n"
	    "  2  cut short, no container, no checksums, or unreadable",
	.examples = "  quire verify model.gguf\n"
		    "  quire verify --threads 2 --quiet *.gguf\n"
		    "  quire verify damaged.gguf --against copy.gguf\n"
		    "  quire verify model.gguf --manifest model.sha256",
	.options = options,
	.words_min = 1,
	.words_max = ARGS_ANY,
	.run = run,
};
