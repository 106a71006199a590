/*
 * fuzz_manifest.c - any bytes to the reader of manifests. A manifest that reads
 * has whole digests and names. Files by all of its names, and some others, are
 * matched with it: then either two fit and that is an error, or an entry has
 * the file of its own path.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/ui/trouble.h"
#include "cli/verify/match_entries.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"

/* Files by names of the list; more are slow. */
#define FILES_MAX 64

/* In place of the command's own functions, which print. */
int trouble(const char *format, ...)
{
	FUZZ_CHECK(format[0] != '\0');
	return EXIT_TROUBLE;
}

int trouble_memory(void)
{
	return EXIT_TROUBLE;
}

static void check_entry(const struct manifest_entry *entry)
{
	const size_t digits = digest_digits(entry->kind);

	FUZZ_CHECK(entry->name[0] != '\0' && entry->line > 0);
	FUZZ_CHECK(strlen(entry->digits) == digits &&
		   strspn(entry->digits, "0123456789abcdef") == digits);
	FUZZ_CHECK(!entry->claimed && !entry->tensor);
	FUZZ_CHECK(entry->what != DIGEST_TENSOR);
}

static void check_claim(const struct manifest_entry *entry,
			const struct match_files *files)
{
	if (!entry->claimed) {
		FUZZ_CHECK(!entry->tensor);
		return;
	}
	FUZZ_CHECK(entry->word < files->count);
	FUZZ_CHECK((entry->what == DIGEST_TENSOR) == (entry->tensor != NULL));
	if (entry->tensor)
		FUZZ_CHECK(entry->tensor > entry->name &&
			   entry->tensor <= entry->name + strlen(entry->name) &&
			   entry->tensor[-1] == ':');
}

static void add_file(struct match_files *files, const char *path)
{
	FUZZ_CHECK(match_files_add(files, path, files->count, 0, NULL) ==
		   QUIRE_OK);
}

static void check_match(struct manifest *manifest, size_t names)
{
	static const char *const others[] = { "m.gguf", "models/m.gguf", "a" };
	struct match_files files = { .count = 0 };
	quire_status status;
	quire_error error;

	for (size_t i = 0; i < names && i < manifest->count; i++)
		add_file(&files, manifest->entries[i].name);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		add_file(&files, others[i]);
	status = match_entries(&files, manifest, &error);
	FUZZ_CHECK(status == QUIRE_OK || status == QUIRE_ERROR_ARGUMENT);
	for (size_t i = 0; i < manifest->count && status == QUIRE_OK; i++) {
		struct manifest_entry *entry = &manifest->entries[i];

		check_claim(entry, &files);
		if (i < names && entry->what == DIGEST_FILE)
			FUZZ_CHECK(entry->claimed);
		/* As read. */
		entry->claimed = false;
		if (entry->tensor)
			entry->what = DIGEST_TENSORS;
		entry->tensor = NULL;
	}
	match_files_free(&files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest manifest;
	char path[FUZZ_PATH_SIZE];

	fuzz_path(path, "manifest");
	fuzz_write_file(path, data, size);
	if (!manifest_read(&manifest, path))
		return 0;
	FUZZ_CHECK(manifest.count > 0);
	for (size_t i = 0; i < manifest.count; i++)
		check_entry(&manifest.entries[i]);
	check_match(&manifest, 0);
	check_match(&manifest, FILES_MAX);
	manifest_free(&manifest);
	return 0;
}
