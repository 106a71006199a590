/*
 * replay.c - runs a fuzz target over the named files, and over the files of the
 * named folders (without their subfolders), where libFuzzer is not linked.
 * Prints their number.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

static bool run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	bool ok = false;
	long size;

	if (!file)
		return false;
	if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
	    fseek(file, 0, SEEK_SET) == 0) {
		/* Exactly as large as the file, for AddressSanitizer. */
		data = malloc(size ? (size_t)size : 1);
		ok = data && fread(data, 1, (size_t)size, file) == (size_t)size;
		if (ok)
			LLVMFuzzerTestOneInput(data, (size_t)size);
	}
	free(data);
	fclose(file);
	return ok;
}

/* The number of files run, or -1. */
static long run_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct stat facts;
	char path[4096];
	long count = 0;

	if (!dir)
		return errno == ENOTDIR && run_file(folder) ? 1 : -1;
	while (count >= 0 && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode))
			continue;
		count = run_file(path) ? count + 1 : -1;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	long total = 0;

	for (int i = 1; i < argc; i++) {
		const long count = run_folder(argv[i]);

		if (count < 0) {
			fprintf(stderr, "%s: cannot read all of it\n", argv[i]);
			return 1;
		}
		total += count;
	}
	printf("%ld inputs\n", total);
	return total > 0 ? 0 : 1;
}
