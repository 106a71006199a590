/*
 * cmd_hash.c - quire hash: a checksum of each tensor and of all together, in
 * the lines of llama-gguf-hash, so that one's list checks the other.
 */
#include "cli/command.h"
#include "cli/digest.h"
#include "cli/lookup.h"
#include "cli/nearest.h"
#include "cli/text.h"
#include "cli/trouble.h"

#include <stdio.h>
#include <string.h>

struct values {
	const char *algorithm;
};

static const struct args_option options[] = {
	{ .name = "algorithm",
	  .value = "NAME",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, algorithm),
	  .help = "xxh3, the default, xxh64 or sha256" },
	{ .name = NULL },
};

static void print_line(enum digest_kind kind, const char *hash,
		       const char *path, const quire_string *tensor)
{
	printf("%-8s  %s  ", digest_name(kind), hash);
	text_print(stdout, path, strlen(path));
	if (tensor) {
		putchar(':');
		text_print_string(stdout, *tensor);
	}
	putchar('\n');
}

static void hash_model(const quire_model *model, const char *path,
		       enum digest_kind kind, struct digest *single,
		       struct digest *whole)
{
	const size_t count = quire_model_tensor_count(model);
	char hash[DIGEST_CAPACITY];
	size_t i;

	for (i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		digest_tensor(single, tensor, hash);
		print_line(kind, hash, path, &tensor->name);
		digest_update(whole, tensor->data, (size_t)tensor->size);
	}
	digest_print(whole, hash);
	print_line(kind, hash, path, NULL);
}

static int hash_file(const char *path, enum digest_kind kind)
{
	quire_model *model = lookup_model(path, true);
	struct digest *single, *whole;
	int code = EXIT_TROUBLE;

	if (!model)
		return EXIT_TROUBLE;
	single = digest_create(kind);
	whole = digest_create(kind);
	if (single && whole) {
		hash_model(model, path, kind, single, whole);
		code = EXIT_FINE;
	} else {
		trouble_memory();
	}
	digest_free(single);
	digest_free(whole);
	quire_model_close(model);
	return code;
}

static int unknown_algorithm(const char *name)
{
	struct nearest near = nearest_to(name);
	int kind;

	for (kind = 0; kind < DIGEST_KIND_COUNT; kind++)
		nearest_offer(&near,
			      text_of(digest_name((enum digest_kind)kind)));
	if (near.found)
		return trouble("hash: no algorithm '%s', did you mean '%s'?",
			       name, near.name.data);
	return trouble("hash: no algorithm '%s'; there are xxh3, xxh64 and "
		       "sha256",
		       name);
}

static int run(int argc, char **argv)
{
	struct values values = { .algorithm = "xxh3" };
	struct args_words words;
	enum digest_kind kind;
	int code;
	int i;

	if (!args_parse(&command_hash, argc, argv, &values, &words, &code))
		return code;
	if (!digest_find(values.algorithm, strlen(values.algorithm), &kind))
		return unknown_algorithm(values.algorithm);
	code = EXIT_FINE;
	for (i = 0; i < words.count; i++)
		code = worse(code, hash_file(words.word[i], kind));
	return code;
}

const struct command command_hash = {
	.name = "hash",
	.summary = "print a checksum of each tensor and of all together",
	.usage = "FILE... [--algorithm NAME]",
	.about =
	    "Hashes the bytes as they are now; it compares nothing ('quire "
	    "verify' does, and\nwith --manifest it takes what this prints).\n"
	    "Any GGUF file will do. The lines are those of "
	    "llama-gguf-hash:\n\n  xxh3      HASH  FILE:TENSOR\n"
	    "  xxh3      HASH  FILE",
	.examples = "  quire hash model.gguf\n"
		    "  quire hash --algorithm sha256 model.gguf >manifest",
	.options = options,
	.words_min = 1,
	.words_max = ARGS_ANY,
	.run = run,
};
