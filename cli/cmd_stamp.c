/*
 * cmd_stamp.c - quire stamp: writes any GGUF file as a container, with the same
 * tensor bytes.
 */
#include <stdio.h>
#include <string.h>

#include "cli/rewrite/copy_command.h"
#include "cli/rewrite/copy_output.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

static const struct args_option options[] = {
	OPTION_OUTPUT(struct copy_values, true, "OUT.gguf",
		      "the container to write"),
	OPTION_FORCE(struct copy_values, "replace OUT.gguf if it exists"),
	OPTION_THREADS(struct copy_values, "that hash"),
	OPTION_ALIGN(struct copy_values, 32, "16384"),
	{ .name = NULL },
};

static int stamp(struct copy *copy, struct copy_values *values)
{
	const quire_copy_options how = {
		.alignment = values->alignment,
		.threads = values->threads,
		.overwrite = values->force,
	};
	char size[COPY_SIZE_CAPACITY];
	const int code = copy_write(copy, values->output, &how);

	if (code != EXIT_FINE)
		return code;
	text_print(stdout, copy_made_path(copy));
	printf(": stamped, %s%s\n", copy_output_size(size, copy),
	       copy->info.quire_version ? "; their checksums were kept" : "");
	return EXIT_FINE;
}

static int run(int argc, char **argv)
{
	return copy_command_run(&command_stamp, argc, argv, 16384, stamp);
}

static const char about[] =
    "Writes any GGUF file as a container: each tensor starts on a page, and\n"
    "the header and each tensor have a checksum, which 'quire verify' checks.\n"
    "The tensors' bytes and the metadata stay as they are, except that\n"
    "general.alignment is replaced, and a missing architecture or\n"
    "quantization version is added. Other programs read the result as before.\n"
    "Tensors of a container keep their checksums, so damage to them is still\n"
    "found. 'quire strip' undoes it. A part of a split set stands for the\n"
    "set, which is written as OUT-00001-of-00003.gguf and so on.";

static const char examples[] =
    "  quire stamp llama.gguf -o stamped.gguf\n"
    "  quire stamp llama.gguf -o stamped.gguf --align 4096\n"
    "  quire stamp llama-00001-of-00003.gguf -o stamped.gguf";

const struct command command_stamp = {
	.name = "stamp",
	.summary = "give a GGUF file page alignment and checksums",
	.usage = "FILE.gguf -o OUT.gguf [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = 1,
	.run = run,
};
