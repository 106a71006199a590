/*
 * cmd_merge.c - quire merge: writes a split set as one file.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/rewrite/copy_output.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"

struct values {
	const char *output;
	bool force;
	bool json;
};

static const struct args_option options[] = {
	OPTION_OUTPUT(struct values, true, "OUT.gguf", "the file to write"),
	OPTION_FORCE(struct values, "replace OUT.gguf if it exists"),
	OPTION_JSON(struct values, "print what was written as a JSON object"),
	{ .name = NULL },
};

/* Whether a word of the command line is a file of the opened set. */
static bool is_part(const struct copy *copy, const char *path)
{
	for (size_t i = 0; i < copy->file_count; i++)
		if (quire_path_same(path, copy->names[i]))
			return true;
	trouble("%s: is no part of the set of %s", path, copy->path);
	return false;
}

static bool all_parts(const struct copy *copy, const struct args_words *words)
{
	if (copy->file_count == 1) {
		trouble("%s: is one file and no part of a split set; there is "
			"nothing to merge",
			copy->path);
		return false;
	}
	for (int i = 1; i < words->count; i++)
		if (!is_part(copy, words->word[i]))
			return false;
	return true;
}

static int merge(struct copy *copy, const struct values *values)
{
	const quire_copy_options how = {
		.files = QUIRE_COPY_ONE_FILE,
		.alignment = copy_alignment(copy),
		.plain = copy->info.quire_version == 0,
		.overwrite = values->force,
	};
	char size[COPY_SIZE_CAPACITY];
	int code;

	if (!copy_output_allowed(copy, values->output, QUIRE_COPY_ONE_FILE,
				 values->force))
		return EXIT_TROUBLE;
	code = copy_write(copy, values->output, &how);
	if (code != EXIT_FINE)
		return code;
	if (values->json)
		return copy_output_json(copy) ? EXIT_FINE : trouble_memory();
	text_print(stdout, values->output);
	printf(": merged from %zu files, %s\n", copy->file_count,
	       copy_output_size(size, copy));
	return EXIT_FINE;
}

static int run(int argc, char **argv)
{
	struct values values = { .force = false };
	struct args_words words;
	struct copy copy;
	int code;

	if (!args_parse(&command_merge, argc, argv, &values, &words, &code))
		return code;
	if (!copy_open(&copy, words.word[0], false))
		return EXIT_TROUBLE;
	code = all_parts(&copy, &words) ? merge(&copy, &values) : EXIT_TROUBLE;
	copy_close(&copy);
	return code;
}

static const char about[] =
    "Writes a split set, NAME-00001-of-00003.gguf and so on, as one file. Any\n"
    "part stands for the set, and several may be given; all must be in one\n"
    "folder. The set may be a container or any other GGUF set, as\n"
    "llama-gguf-split and gguf-py write them. The tensors, their order, the\n"
    "alignment and the metadata of the first part stay as they are; the keys\n"
    "split.no, split.count and split.tensors.count are left out. Of what\n"
    "'quire split' made, this gives the file back, byte for byte.\n"
    "\n"
    "The file system copies the tensors, or shares them between the files. "
    "They\n"
    "are not read: the checksums of a container stay, so damage is still "
    "found.";

static const char examples[] =
    "  quire merge model-00001-of-00003.gguf -o model.gguf\n"
    "  quire merge model-*.gguf -o model.gguf --force";

const struct command command_merge = {
	.name = "merge",
	.summary = "write a split set as one file",
	.usage = "PART.gguf... -o OUT.gguf [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = ARGS_ANY,
	.run = run,
};
