/*
 * cmd_hash.c - quire hash: prints checksums of all bytes of files: of each
 * tensor, of all tensors together, and of each file's header and padding. The
 * lines of tensors are those of llama-gguf-hash, so each program can check the
 * other's list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/command.h"
#include "cli/files/known_sets.h"
#include "cli/files/lookup.h"
#include "cli/ui/json_out.h"
#include "cli/ui/options.h"
#include "cli/ui/text.h"
#include "cli/ui/trouble.h"
#include "cli/verify/digest_many.h"

struct values {
	const char *algorithm;
	uint32_t threads;
	bool json;
};

static const struct args_option options[] = {
	{ .name = "algorithm",
	  .value = "NAME",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct values, algorithm),
	  .help = "xxh3, xxh64 or sha256; default: xxh3" },
	OPTION_THREADS(struct values, "that hash"),
	OPTION_JSON(struct values,
		    "print a list with one JSON object for each file or set"),
	{ .name = NULL },
};

struct hashing {
	enum digest_kind kind;
	uint32_t threads;
	bool json;
	struct json_out out;
	struct known_sets known;
};

/* The path of a job's file. */
static const char *path_of(const quire_model *model, const char *path,
			   const struct digest_job *job)
{
	quire_part part;

	if (quire_model_part_count(model) == 1 || job->what == DIGEST_TENSOR ||
	    job->what == DIGEST_TENSORS ||
	    !quire_model_part(model, job->part, &part))
		return path;
	return part.path;
}

/* "xxh3", "xxh3-header" or "xxh3-padding"; with a backslash before it if a
 * backslash in a name begins an escape. */
static void print_line(const char *path, const struct digest_job *job)
{
	static const char *const endings[] = {
		[DIGEST_HEADER] = "-header", [DIGEST_PADDING] = "-padding"
	};
	const bool of_file =
	    job->what == DIGEST_HEADER || job->what == DIGEST_PADDING;
	const bool plain = text_is_plain(text_of(path)) &&
			   (!job->tensor || text_is_plain(job->tensor->name));
	char name[24];

	snprintf(name, sizeof(name), "%s%s%s", plain ? "" : "\\",
		 digest_name(job->kind), of_file ? endings[job->what] : "");
	printf("%-8s  %s  ", name, job->text);
	text_print_exact(stdout, text_of(path));
	if (job->tensor) {
		putchar(':');
		text_print_exact(stdout, job->tensor->name);
	}
	putchar('\n');
}

static void print_json(struct hashing *hashing, const quire_model *model,
		       const char *path, const struct digest_job *jobs)
{
	const size_t parts = quire_model_part_count(model);
	struct json_out *out = &hashing->out;

	json_out_begin(out, NULL, '{');
	json_out_text(out, "file", path);
	json_out_text(out, "algorithm", digest_name(hashing->kind));
	json_out_begin(out, "tensors", '[');
	for (; jobs->what == DIGEST_TENSOR; jobs++) {
		json_out_begin(out, NULL, '{');
		json_out_string(out, "name", jobs->tensor->name);
		json_out_text(out, "hash", jobs->text);
		json_out_end(out, '}');
	}
	json_out_end(out, ']');
	json_out_text(out, "all_tensors", (jobs++)->text);
	json_out_begin(out, "files", '[');
	for (size_t i = 0; i < parts; i++, jobs += 2) {
		json_out_begin(out, NULL, '{');
		json_out_text(out, "file", path_of(model, path, jobs));
		json_out_text(out, "header", jobs[0].text);
		json_out_text(out, "padding", jobs[1].text);
		json_out_end(out, '}');
	}
	json_out_end(out, ']');
	json_out_end(out, '}');
}

/* A job for each tensor, one for all of them together, and two for each
 * file. */
static void fill_jobs(const quire_model *model, enum digest_kind kind,
		      struct digest_job *jobs)
{
	const size_t tensors = quire_model_tensor_count(model);
	const size_t parts = quire_model_part_count(model);

	for (size_t i = 0; i < tensors; i++, jobs++) {
		jobs->what = DIGEST_TENSOR;
		jobs->tensor = quire_model_tensor(model, i);
		jobs->kind = kind;
	}
	jobs->what = DIGEST_TENSORS;
	jobs++->kind = kind;
	for (size_t i = 0; i < 2 * parts; i++, jobs++) {
		jobs->what = i % 2 == 0 ? DIGEST_HEADER : DIGEST_PADDING;
		jobs->part = i / 2;
		jobs->kind = kind;
	}
}

static int hash_model(struct hashing *hashing, const quire_model *model,
		      const char *path)
{
	const struct digest_how how = { .threads = hashing->threads };
	const size_t count = quire_model_tensor_count(model) + 1 +
			     2 * quire_model_part_count(model);
	struct digest_job *jobs = calloc(count, sizeof(*jobs));
	quire_error error;
	int code = EXIT_FINE;

	if (!jobs)
		return trouble_memory();
	fill_jobs(model, hashing->kind, jobs);
	if (digest_many(model, jobs, count, &how, &error) != QUIRE_OK)
		code = trouble_with_file(path, &error);
	else if (hashing->json)
		print_json(hashing, model, path, jobs);
	else
		for (size_t i = 0; i < count; i++)
			print_line(path_of(model, path, &jobs[i]), &jobs[i]);
	free(jobs);
	return code;
}

/* Skips a part of a set that was hashed. */
static int hash_file(struct hashing *hashing, const char *path)
{
	quire_model *model;
	int code;

	if (known_sets_have(&hashing->known, path))
		return EXIT_FINE;
	model = lookup_model(path, true);
	if (!model)
		return EXIT_TROUBLE;
	code = known_sets_add(&hashing->known, model)
		   ? hash_model(hashing, model, path)
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

static int hash_files(struct hashing *hashing, const struct args_words *words)
{
	int code = EXIT_FINE;

	if (hashing->json) {
		hashing->out = json_out_start(stdout);
		json_out_begin(&hashing->out, NULL, '[');
	}
	for (int i = 0; i < words->count; i++)
		code = worse(code, hash_file(hashing, words->word[i]));
	known_sets_free(&hashing->known);
	if (!hashing->json)
		return code;
	json_out_end(&hashing->out, ']');
	return json_out_finish(&hashing->out) ? code : trouble_memory();
}

static int run(int argc, char **argv)
{
	struct values values = { .algorithm = "xxh3" };
	struct hashing hashing = { .threads = 0 };
	struct args_words words;
	int code;

	if (!args_parse(&command_hash, argc, argv, &values, &words, &code))
		return code;
	if (!digest_find(values.algorithm, strlen(values.algorithm),
			 &hashing.kind))
		return unknown_algorithm(values.algorithm);
	hashing.threads = values.threads;
	hashing.json = values.json;
	return hash_files(&hashing, &words);
}

static const char about[] =
    "Hashes the bytes as they are now and compares nothing: 'quire verify'\n"
    "does that, and with --manifest it takes these lines. It reads any GGUF\n"
    "file; of a split set, any part stands for the set, which is hashed once.\n"
    "The lines cover each byte of the files. Those of tensors are the lines "
    "of\n"
    "llama-gguf-hash; the header holds names, types, shapes, metadata and\n"
    "linears, and the padding is what belongs to no tensor:\n"
    "\n"
    "  xxh3      HASH  FILE:TENSOR\n"
    "  xxh3      HASH  FILE              all tensors, one after the other\n"
    "  xxh3-header  HASH  FILE\n"
    "  xxh3-padding  HASH  FILE\n"
    "\n"
    "A line that begins with a backslash has a name with escapes: \\\\ is a "
    "backslash,\n"
    "\\xNN a byte that could control a terminal.\n"
    "\n"
    "A list to be signed needs sha256: the others find damage, not forgery.\n"
    "\n"
    "exit codes, the highest one of all files:\n"
    "  0  all was hashed\n"
    "  2  a file could not be opened or read, or libcrypto has no SHA-256";

static const char examples[] =
    "  quire hash model.gguf\n"
    "  quire hash --algorithm sha256 model.gguf >model.sha256\n"
    "  quire verify model.gguf --manifest model.sha256\n"
    "  quire hash --json model-00001-of-00003.gguf";

const struct command command_hash = {
	.name = "hash",
	.summary = "print checksums of tensors, headers and padding",
	.usage = "FILE... [options]",
	.about = about,
	.examples = examples,
	.options = options,
	.words_min = 1,
	.words_max = ARGS_ANY,
	.run = run,
};
