/*
 * cmd_hash.c - quire hash: each tensor's XXH3-64 and the whole model's, in
 * the lines of llama-gguf-hash --xxh3, so that one's list checks the other.
 */
#include "cli/command.h"
#include "cli/lookup.h"
#include "cli/text.h"
#include "cli/trouble.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const struct args_option options[] = { { .name = NULL } };

static void print_line(uint64_t hash, const char *path,
		       const quire_string *tensor)
{
	printf("%-8s  %016" PRIx64 "  ", "xxh3", hash);
	text_print(stdout, path, strlen(path));
	if (tensor) {
		putchar(':');
		text_print_string(stdout, *tensor);
	}
	putchar('\n');
}

static int hash_model(const quire_model *model, const char *path,
		      XXH3_state_t *whole)
{
	const size_t count = quire_model_tensor_count(model);
	size_t i;

	XXH3_64bits_reset(whole);
	for (i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		print_line(quire_tensor_hash(tensor), path, &tensor->name);
		XXH3_64bits_update(whole, tensor->data, (size_t)tensor->size);
	}
	print_line(XXH3_64bits_digest(whole), path, NULL);
	return EXIT_FINE;
}

static int hash_file(const char *path)
{
	quire_model *model = lookup_model(path, true);
	XXH3_state_t *whole = XXH3_createState();
	int code = EXIT_TROUBLE;

	if (model)
		code =
		    whole ? hash_model(model, path, whole) : trouble_memory();
	XXH3_freeState(whole);
	quire_model_close(model);
	return code;
}

static int run(int argc, char **argv)
{
	struct args_words words;
	int code;
	int i;

	if (!args_parse(&command_hash, argc, argv, NULL, &words, &code))
		return code;
	code = EXIT_FINE;
	for (i = 0; i < words.count; i++)
		code = worse(code, hash_file(words.word[i]));
	return code;
}

const struct command command_hash = {
	.name = "hash",
	.summary = "print the XXH3-64 of each tensor and of all together",
	.usage = "FILE...",
	.about =
	    "Hashes the bytes as they are now; it compares nothing ('quire "
	    "verify' does).\nAny GGUF file will do. The lines are those of "
	    "llama-gguf-hash --xxh3:\n\n  xxh3      HASH  FILE:TENSOR\n"
	    "  xxh3      HASH  FILE",
	.examples = "  quire hash model.gguf\n"
		    "  quire hash model.gguf >model.gguf.manifest",
	.options = options,
	.words_min = 1,
	.words_max = ARGS_ANY,
	.run = run,
};
