/*
 * fuzz_manifest.c - any bytes to the reader of manifests. A manifest that reads
 * has whole digests and names, and finds files by them.
 */
#include <string.h>

#include "cli/ui/trouble.h"
#include "cli/verify/manifest.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_folder.h"

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

static void check_entry(struct manifest_entry *entry)
{
	const char *const paths[] = { "m.gguf", "models/m.gguf", "a",
				      entry->name };
	const size_t digits = digest_digits(entry->kind);

	FUZZ_CHECK(entry->name[0] != '\0' && entry->line > 0);
	FUZZ_CHECK(strlen(entry->digits) == digits &&
		   strspn(entry->digits, "0123456789abcdef") == digits);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		entry->tensor = NULL;
		if (manifest_claim(entry, paths[i]) && entry->tensor)
			FUZZ_CHECK(entry->tensor > entry->name &&
				   entry->tensor <=
				       entry->name + strlen(entry->name));
	}
	FUZZ_CHECK(manifest_claim(entry, entry->name));
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
	manifest_free(&manifest);
	return 0;
}
