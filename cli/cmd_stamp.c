/*
 * cmd_stamp.c - quire stamp: writes any GGUF file as a container, with the same
 * tensor bytes.
 */
#include <stdio.h>
#include <string.h>

#include "cli/rewrite/copy_command.h"
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

static const quire_value *keep(void *context, const char *key,
			       const quire_value *value)
{
	(void)context;
	(void)key;
	return value;
}

static int stamp(struct copy *copy, struct copy_values *values)
{
	const struct copy_how how = {
		.output = values->output,
		.alignment = values->alignment,
		.threads = values->threads,
		.overwrite = values->force,
		.choose = keep,
	};
	const size_t count = quire_model_tensor_count(copy->model);
	char size[TEXT_SIZE_CAPACITY];
	const int code = copy_write(copy, &how);

	if (code != EXIT_FINE)
		return code;
	text_print(stdout, values->output);
	printf(": stamped, %zu %s, %s%s\n", count,
	       count == 1 ? "tensor" : "tensors",
	       text_human_size(size, copy->result.file_size),
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
    "found. 'quire strip' undoes it.";

static const char examples[] =
    "  quire stamp llama.gguf -o stamped.gguf\n"
    "  quire stamp llama.gguf -o stamped.gguf --align 4096";

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
