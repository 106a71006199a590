/*
 * cmd_strip.c - quire strip: writes a container as a plain GGUF file. Verifies
 * it first, because damage cannot be found afterwards.
 */
#include <stdio.h>
#include <string.h>

#include "cli/rewrite/copy_command.h"
#include "cli/rewrite/copy_output.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

/* GGUF's alignment, if a file does not give another. */
#define PLAIN_ALIGNMENT 32

static const struct args_option options[] = {
	OPTION_OUTPUT(struct copy_values, true, "OUT.gguf",
		      "the file to write"),
	OPTION_FORCE(struct copy_values, "replace OUT.gguf if it exists"),
	OPTION_THREADS(struct copy_values, "that verify"),
	OPTION_ALIGN(struct copy_values, 8, "32"),
	{ .name = NULL },
};

static int verify(struct copy *copy, uint32_t threads)
{
	const quire_verify_options how = {
		.threads = threads,
		.progress = progress_report,
		.context = &copy->progress,
	};
	quire_status status;
	quire_error error;

	copy->progress = progress_start(copy->path);
	status = quire_model_verify(copy->model, &how, &error);
	progress_clear(&copy->progress);
	if (status == QUIRE_OK)
		return EXIT_FINE;
	if (status == QUIRE_ERROR_CHECKSUM || status == QUIRE_ERROR_LAYOUT)
		return trouble("%s: %s; not stripped, because the damage could "
			       "not be found afterwards",
			       error.path[0] ? error.path : copy->path,
			       error.message);
	return trouble_with_file(copy->path, &error);
}

static int strip(struct copy *copy, struct copy_values *values)
{
	const quire_copy_options how = {
		.alignment = values->alignment,
		.plain = true,
		.overwrite = values->force,
	};
	char size[COPY_SIZE_CAPACITY];
	int code;

	if (copy->info.quire_version == 0)
		return trouble(
		    "%s: is not a container; there is nothing to strip",
		    copy->path);
	code = verify(copy, values->threads);
	if (code == EXIT_FINE)
		code = copy_write(copy, values->output, &how);
	if (code != EXIT_FINE)
		return code;
	text_print(stdout, copy_made_path(copy));
	printf(": stripped, %s\n", copy_output_size(size, copy));
	return EXIT_FINE;
}

static int run(int argc, char **argv)
{
	return copy_command_run(&command_strip, argc, argv, PLAIN_ALIGNMENT,
				strip);
}

static const char about[] =
    "Writes a container as other programs write GGUF: without the keys\n"
    "quire.* (checksums, sources, linear layers), and each tensor on a\n"
    "multiple of 32 bytes. All other metadata and the tensors' bytes stay as\n"
    "they are. The file is verified first; a damaged one is refused. After\n"
    "'quire stamp', this gives the file that gguf-py or llama.cpp wrote, byte\n"
    "for byte, if it had all keys that a container needs and the default\n"
    "alignment. A part of a split set stands for the set, which is written as\n"
    "OUT-00001-of-00003.gguf and so on.";

static const char examples[] =
    "  quire strip model.gguf -o plain.gguf\n"
    "  quire strip model.gguf -o plain.gguf --align 64\n"
    "  quire strip model-00001-of-00003.gguf -o plain.gguf";

const struct command command_strip = {
	.name = "strip",
	.summary = "remove alignment and checksums from a container",
	.usage = "FILE.gguf -o OUT.gguf [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = 1,
	.run = run,
};
