/*
 * cmd_verify.c - quire verify: hashes files and says in words what is wrong.
 * Verdicts on contents are results and go to stdout; a file that cannot be
 * judged at all is trouble and goes to stderr.
 */
#include "cli/command.h"
#include "cli/lookup.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/trouble.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct values {
	uint32_t threads;
};

static const struct args_option options[] = {
	{ .name = "threads",
	  .value = "N",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct values, threads),
	  .max = ARGS_THREADS_MAX,
	  .help = "threads that hash; 0, the default: one for each CPU" },
	{ .name = NULL },
};

struct check {
	const char *path;
	struct progress progress;
	size_t damaged;
};

static bool show_progress(void *context, uint64_t done, uint64_t total)
{
	struct check *check = context;

	progress_show(&check->progress, done, total);
	return true;
}

static void start_verdict(struct check *check, const char *colour)
{
	progress_clear(&check->progress);
	text_print(stdout, check->path, strlen(check->path));
	printf(": %s", colour);
}

static void tell_damage(void *context, const quire_tensor *tensor,
			uint64_t actual_xxh3)
{
	struct check *check = context;
	char size[TEXT_SIZE_CAPACITY];

	check->damaged++;
	start_verdict(check, terminal_red());
	printf("damaged%s, tensor '", terminal_plain());
	text_print_string(stdout, tensor->name);
	printf("' (%s at byte %" PRIu64 "): XXH3 is %016" PRIx64
	       ", was %016" PRIx64 " when written\n",
	       text_human_size(size, tensor->size), tensor->offset, actual_xxh3,
	       tensor->xxh3);
}

static void tell_fine(struct check *check, const quire_model *model,
		      const quire_model_info *info)
{
	const size_t count = quire_model_tensor_count(model);
	char size[TEXT_SIZE_CAPACITY];

	start_verdict(check, terminal_green());
	printf("ok%s, %zu %s, %s\n", terminal_plain(), count,
	       count == 1 ? "tensor" : "tensors",
	       text_human_size(size, info->file_size));
}

static void tell_edited(struct check *check)
{
	start_verdict(check, terminal_red());
	printf("metadata was edited after writing%s%s\n", terminal_plain(),
	       check->damaged ? "" : "; tensors are intact");
}

static void tell_padding(struct check *check, const quire_error *error)
{
	start_verdict(check, terminal_red());
	printf("damaged%s, padding: ", terminal_plain());
	text_print(stdout, error->message, strlen(error->message));
	if (error->offset != QUIRE_NO_OFFSET)
		printf(" (at byte %" PRIu64 ")", error->offset);
	putchar('\n');
}

/* Everything after the hashing: `status` is what quire_model_verify said. */
static int judge(struct check *check, const quire_model *model,
		 quire_status status, const quire_error *error)
{
	quire_model_info info;

	quire_model_describe(model, &info);
	switch (status) {
	case QUIRE_OK:
		tell_fine(check, model, &info);
		return EXIT_FINE;
	case QUIRE_ERROR_CHECKSUM:
	case QUIRE_ERROR_LAYOUT:
		if (info.header_edited)
			tell_edited(check);
		if (status == QUIRE_ERROR_LAYOUT)
			tell_padding(check, error);
		return EXIT_DIFFERS;
	case QUIRE_ERROR_NOT_FOUND:
		progress_clear(&check->progress);
		return trouble("%s: carries no checksums (a GGUF file of "
			       "another program); 'quire hash' prints what its "
			       "tensors hash to",
			       check->path);
	default:
		progress_clear(&check->progress);
		return trouble_with_file(check->path, error);
	}
}

static int verify_file(const char *path, uint32_t threads)
{
	struct check check = { .path = path, .progress = progress_start(path) };
	const quire_verify_options how = {
		.threads = threads,
		.progress = show_progress,
		.damage = tell_damage,
		.context = &check,
	};
	quire_model *model = lookup_model(path, true);
	quire_status status;
	quire_error error;
	int code;

	if (!model)
		return EXIT_TROUBLE;
	status = quire_model_verify(model, &how, &error);
	code = judge(&check, model, status, &error);
	progress_clear(&check.progress);
	quire_model_close(model);
	return code;
}

static int run(int argc, char **argv)
{
	struct values values = { .threads = 0 };
	struct args_words words;
	int code;
	int i;

	if (!args_parse(&command_verify, argc, argv, &values, &words, &code))
		return code;
	code = EXIT_FINE;
	for (i = 0; i < words.count; i++)
		code = worse(code, verify_file(words.word[i], values.threads));
	return code;
}

const struct command command_verify = {
	.name = "verify",
	.summary = "check files against the checksums that they carry",
	.usage = "FILE... [--threads N]",
	.about = "Reads every byte once. Prints one line for a file that is "
		 "fine, one for each\ndamaged tensor, and tells damage from "
		 "metadata that another program edited.\n\nexit codes, the "
		 "worst over the files:\n"
		 "  0  all is as it was written\n"
		 "  1  a tensor or padding is damaged, or metadata was edited\n"
		 "  2  cut short, no container, no checksums, or unreadable",
	.examples = "  quire verify model.gguf\n"
		    "  quire verify --threads 2 *.gguf",
	.options = options,
	.words_min = 1,
	.words_max = ARGS_ANY,
	.run = run,
};
