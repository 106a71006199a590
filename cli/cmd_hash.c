/*
 * cmd_hash.c - quire hash: prints a checksum of each tensor and of all
 * together. The lines are those of llama-gguf-hash, so each program can check
 * the other's list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/command.h"
#include "cli/files/known_sets.h"
#include "cli/files/lookup.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "cli/verify/digest_many.h"

struct values {
	const char *algorithm;
	uint32_t threads;
};

static const struct args_option options[] = {
	{ .name = "algorithm",
	  .value = "NAME",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, algorithm),
	  .help = "xxh3, xxh64 or sha256; default: xxh3" },
	OPTION_THREADS(struct values, "that hash"),
	{ .name = NULL },
};

static void print_line(enum digest_kind kind, const char *hash,
		       const char *path, const quire_string *tensor)
{
	printf("%-8s  %s  ", digest_name(kind), hash);
	text_print(stdout, path);
	if (tensor) {
		putchar(':');
		text_print_string(stdout, *tensor);
	}
	putchar('\n');
}

/* A job for each tensor, and a last one for all of them together. */
static int hash_model(const quire_model *model, const char *path,
		      enum digest_kind kind, uint32_t threads)
{
	const struct digest_how how = { .threads = threads };
	const size_t count = quire_model_tensor_count(model);
	struct digest_job *jobs = calloc(count + 1, sizeof(*jobs));

	for (size_t i = 0; jobs && i <= count; i++) {
		jobs[i].kind = kind;
		jobs[i].tensor = quire_model_tensor(model, i);
	}
	if (!jobs || !digest_many(model, jobs, count + 1, &how)) {
		free(jobs);
		return trouble_memory();
	}
	for (size_t i = 0; i <= count; i++)
		print_line(kind, jobs[i].text, path,
			   jobs[i].tensor ? &jobs[i].tensor->name : NULL);
	free(jobs);
	return EXIT_FINE;
}

/* Skips a part of a set that was hashed. */
static int hash_file(const char *path, struct known_sets *known,
		     enum digest_kind kind, uint32_t threads)
{
	quire_model *model;
	int code;

	if (known_sets_have(known, path))
		return EXIT_FINE;
	model = lookup_model(path, true);
	if (!model)
		return EXIT_TROUBLE;
	code = known_sets_add(known, model)
		   ? hash_model(model, path, kind, threads)
		   : trouble_memory();
	quire_model_close(model);
	return code;
}

static int unknown_algorithm(const char *name)
{
	struct nearest near = quire_nearest_to(name);

	for (int kind = 0; kind < DIGEST_KIND_COUNT; kind++)
		quire_nearest_offer(
		    &near, text_of(digest_name((enum digest_kind)kind)));
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
	struct known_sets known = { .count = 0 };
	struct args_words words;
	enum digest_kind kind;
	int code;

	if (!args_parse(&command_hash, argc, argv, &values, &words, &code))
		return code;
	if (!digest_find(values.algorithm, strlen(values.algorithm), &kind))
		return unknown_algorithm(values.algorithm);
	code = EXIT_FINE;
	for (int i = 0; i < words.count; i++)
		code = worse(code, hash_file(words.word[i], &known, kind,
					     values.threads));
	known_sets_free(&known);
	return code;
}

static const char about[] =
    "Hashes the bytes as they are now and compares nothing: 'quire verify'\n"
    "does that, and with --manifest it takes these lines. It reads any GGUF\n"
    "file; of a split set, any part stands for the set, which is hashed once.\n"
    "The lines are those of llama-gguf-hash:\n"
    "\n"
    "  xxh3      HASH  FILE:TENSOR\n"
    "  xxh3      HASH  FILE";

static const char examples[] =
    "  quire hash model.gguf\n"
    "  quire hash --algorithm sha256 model.gguf >manifest";

const struct command command_hash = {
	.name = "hash",
	.summary = "print a checksum of each tensor and of all together",
	.usage = "FILE... [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = ARGS_ANY,
	.run = run,
};
