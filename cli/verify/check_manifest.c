/*
 * check_manifest.c - reads a list, finds which of its entries are about which
 * of the files that were given, and has check_entries.c compare each file with
 * its own.
 */
#include <stdlib.h>

#include "cli/files/known_sets.h"
#include "cli/ui/trouble.h"
#include "cli/verify/check_entries.h"
#include "cli/verify/check_manifest.h"
#include "cli/verify/match_entries.h"

static const quire_open_options lenient = { .allow_edited_header = true };

struct check {
	struct verdict_printer *printer;
	const struct manifest_options *options;
	const struct args_words *words;
	struct manifest manifest;
	struct match_files files;
	struct known_sets known;
	bool *skipped; /* words: another one is the same file or set */
	struct entries claimed;
};

/* All parts of a set, or the path that was given, which need not be a GGUF
 * file. */
static quire_status add_parts(struct check *check, size_t word,
			      const quire_model *model, quire_error *error)
{
	const char *path = check->words->word[word];
	const size_t parts = model ? quire_model_part_count(model) : 1;
	const size_t before = check->files.count;
	quire_status status = QUIRE_OK;
	quire_part part;

	if (parts == 1) {
		status = match_files_add(&check->files, path, word, 0, error);
		check->skipped[word] = check->files.count == before;
		return status;
	}
	for (size_t i = 0; i < parts && status == QUIRE_OK; i++) {
		(void)quire_model_part(model, i, &part);
		status =
		    match_files_add(&check->files, part.path, word, i, error);
	}
	return status;
}

/* Models are opened twice: now for their parts, because entries are matched
 * with all files at once, and later one after the other to be read. */
static quire_status add_files(struct check *check, quire_error *error)
{
	quire_status status = QUIRE_OK;

	for (int i = 0; i < check->words->count && status == QUIRE_OK; i++) {
		const char *path = check->words->word[i];
		quire_model *model = NULL;

		if (known_sets_have(&check->known, path)) {
			check->skipped[i] = true;
			continue;
		}
		if (quire_model_open(path, &lenient, &model, NULL) != QUIRE_OK)
			model = NULL;
		status = add_parts(check, (size_t)i, model, error);
		if (status == QUIRE_OK && model &&
		    !known_sets_add(&check->known, model))
			status = QUIRE_ERROR_MEMORY;
		quire_model_close(model);
	}
	return status;
}

static bool collect_claimed(struct check *check)
{
	struct manifest *manifest = &check->manifest;
	struct entries *claimed = &check->claimed;

	claimed->entry =
	    calloc(manifest->count, sizeof(struct manifest_entry *));
	if (!claimed->entry)
		return false;
	for (size_t i = 0; i < manifest->count; i++)
		if (manifest->entries[i].claimed)
			claimed->entry[claimed->count++] =
			    &manifest->entries[i];
	if (claimed->count > 1)
		qsort(claimed->entry, claimed->count,
		      sizeof(struct manifest_entry *), compare_entries);
	return true;
}

static int match(struct check *check)
{
	quire_error error = { .status = QUIRE_ERROR_MEMORY };
	quire_status status;

	check->skipped = calloc((size_t)check->words->count + 1, sizeof(bool));
	if (!check->skipped)
		return trouble_memory();
	status = add_files(check, &error);
	if (status == QUIRE_OK)
		status = match_entries(&check->files, &check->manifest, &error);
	if (status == QUIRE_ERROR_ARGUMENT)
		return trouble("%s: %s", check->manifest.path, error.message);
	if (status != QUIRE_OK || !collect_claimed(check))
		return trouble_memory();
	return EXIT_FINE;
}

/* The entries of the word, which begin at *at. */
static struct entries take_entries(const struct check *check, size_t word,
				   size_t *at)
{
	struct entries own = { .entry = check->claimed.entry + *at };

	while (*at < check->claimed.count &&
	       check->claimed.entry[*at]->word == word) {
		own.count++;
		++*at;
	}
	return own;
}

static int check_word(struct check *check, size_t word, struct entries entries)
{
	const char *path = check->words->word[word];
	quire_model *model = NULL;
	quire_error error;
	bool of_file = false;
	int code;

	for (size_t i = 0; i < entries.count; i++)
		of_file = of_file || entries.entry[i]->what == DIGEST_FILE;
	if (quire_model_open(path, &lenient, &model, &error) != QUIRE_OK) {
		model = NULL;
		/* The error of another part of the same set. */
		if (!of_file && known_sets_failed(&check->known, &error))
			return EXIT_TROUBLE;
	}
	code = check_entries(check->printer, check->options, path, model,
			     &error, entries);
	quire_model_close(model);
	return code;
}

/* The entries about files that were not given. */
static int report_rest(struct check *check)
{
	const struct manifest *manifest = &check->manifest;
	struct verdict verdict;
	char name[VERDICT_NAME_CAPACITY];

	if (check->claimed.count == manifest->count)
		return EXIT_FINE;
	verdict = verdict_begin(check->printer, manifest->path);
	for (size_t i = 0; i < manifest->count; i++) {
		const struct manifest_entry *entry = &manifest->entries[i];
		const struct verdict_facts facts = {
			.kind = "missing",
			.name = entry->name,
			.offset = QUIRE_NO_OFFSET,
		};

		if (!entry->claimed)
			verdict_problem(
			    &verdict, &facts,
			    "missing, line %lu is about '%s', which was not "
			    "given",
			    entry->line,
			    verdict_name(name, text_of(entry->name)));
	}
	return verdict_differs(&verdict);
}

int check_manifest(struct verdict_printer *printer,
		   const struct manifest_options *options,
		   const struct args_words *words)
{
	struct check check = { .printer = printer,
			       .options = options,
			       .words = words };
	size_t at = 0;
	int code;

	if (!manifest_read(&check.manifest, options->list))
		return EXIT_TROUBLE;
	code = match(&check);
	if (code == EXIT_FINE) {
		for (int i = 0; i < words->count; i++)
			if (!check.skipped[i])
				code = worse(
				    code,
				    check_word(
					&check, (size_t)i,
					take_entries(&check, (size_t)i, &at)));
		code = worse(code, report_rest(&check));
	}
	known_sets_free(&check.known);
	match_files_free(&check.files);
	free(check.claimed.entry);
	free(check.skipped);
	manifest_free(&check.manifest);
	return code;
}
