/*
 * cmd_split.c - quire split: writes a file, or a set, as a set of files of at
 * most a size.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/output.h"
#include "cli/command.h"
#include "cli/rewrite/copy_output.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

struct values {
	const char *output;
	uint64_t size;
	bool force;
	bool json;
};

static const struct args_option options[] = {
	OPTION_OUTPUT(struct values, true, "NAME",
		      "write NAME-00001-of-00003.gguf and so on"),
	{ .name = "size",
	  .value = "SIZE",
	  .type = ARGS_SIZE,
	  .required = true,
	  .offset = offsetof(struct values, size),
	  .help = "of each file at most: 4G, 500M, 2GiB" },
	OPTION_FORCE(struct values, "replace files that exist"),
	OPTION_JSON(struct values, "print what was written as a JSON object"),
	{ .name = NULL },
};

/* How many files are larger than the size: a tensor is not cut. */
static size_t count_larger(const struct copy *copy, uint64_t size)
{
	quire_part part;
	size_t count = 0;

	for (size_t i = 0; quire_model_part(copy->made, i, &part); i++)
		count += part.file_size > size ? 1 : 0;
	return count;
}

static void print_result(const struct copy *copy, uint64_t wanted)
{
	const bool one = quire_model_part_count(copy->made) == 1;
	const size_t larger = count_larger(copy, wanted);
	char size[COPY_SIZE_CAPACITY];

	text_print(stdout, copy_made_path(copy));
	printf(": %s, %s", one ? "not split, it fits in one file" : "split",
	       copy_output_size(size, copy));
	if (larger > 0)
		printf("; %zu %s larger than the size, for a tensor that is",
		       larger, larger == 1 ? "file is" : "files are");
	putchar('\n');
}

static int split(struct copy *copy, const struct values *values,
		 const char *output)
{
	const quire_copy_options how = {
		.files = QUIRE_COPY_SPLIT,
		.split_size = values->size,
		.alignment = copy_alignment(copy),
		.plain = copy->info.quire_version == 0,
		.overwrite = values->force,
	};
	const int code = copy_write(copy, output, &how);

	if (code != EXIT_FINE)
		return code;
	if (values->json)
		return copy_output_json(copy) ? EXIT_FINE : trouble_memory();
	print_result(copy, values->size);
	return EXIT_FINE;
}

static int run(int argc, char **argv)
{
	struct values values = { .force = false };
	struct args_words words;
	struct copy copy;
	char *output;
	int code = EXIT_TROUBLE;

	if (!args_parse(&command_split, argc, argv, &values, &words, &code))
		return code;
	if (!copy_open(&copy, words.word[0], false))
		return EXIT_TROUBLE;
	output = quire_output_set_name(values.output, 0);
	code = output ? split(&copy, &values, output) : trouble_memory();
	free(output);
	copy_close(&copy);
	return code;
}

static const char about[] =
    "Writes a GGUF file as a split set: NAME-00001-of-00003.gguf and so on,\n"
    "with the keys split.no, split.count and split.tensors.count, as\n"
    "llama-gguf-split writes them and llama.cpp and gguf-py read them. Each "
    "file\n"
    "is filled with whole tensors up to the size; one with a single tensor "
    "may\n"
    "be larger. Metadata is in the first file. The tensors, their order, the\n"
    "alignment and the metadata stay as they are, and 'quire merge' gives the\n"
    "file back, byte for byte. (If another program wrote it: GGUF version 2\n"
    "becomes 3, padding that is missing at the end is added, and keys split.*\n"
    "that it had are replaced.) A set can be split again, by another size.\n"
    "\n"
    "The file system copies the tensors, or shares them between the files. "
    "They\n"
    "are not read: the checksums of a container stay, so damage is still "
    "found.\n"
    "If all fits in one file, NAME.gguf is written.";

static const char examples[] =
    "  quire split model.gguf -o parts/model --size 2G\n"
    "  quire split model-00001-of-00003.gguf -o smaller --size 500M";

const struct command command_split = {
	.name = "split",
	.summary = "write a GGUF file as a split set",
	.usage = "FILE.gguf -o NAME --size SIZE [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = 1,
	.run = run,
};
