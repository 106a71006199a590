/*
 * fuzz_folder.c - a folder for fuzz targets, in /dev/shm if there is one.
 */
#include "tests/fuzz/fuzz_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static char folder[64];

static size_t walk(int remove_files)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[FUZZ_PATH_SIZE * 4];
	size_t count = 0;

	FUZZ_CHECK(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (remove_files)
			unlink(path);
	}
	closedir(dir);
	return count;
}

static void remove_folder(void)
{
	walk(1);
	rmdir(folder);
}

void fuzz_path(char path[FUZZ_PATH_SIZE], const char *name)
{
	if (!folder[0]) {
		const char *root =
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

		snprintf(folder, sizeof(folder), "%s/quire-fuzz-XXXXXX", root);
		FUZZ_CHECK(mkdtemp(folder));
		FUZZ_CHECK(atexit(remove_folder) == 0);
	}
	snprintf(path, FUZZ_PATH_SIZE, "%s/%s", folder, name);
}

void fuzz_write_file(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wb");

	FUZZ_CHECK(file);
	FUZZ_CHECK(fwrite(data, 1, size, file) == size);
	FUZZ_CHECK(fclose(file) == 0);
}

void fuzz_remove_files(void)
{
	walk(1);
}

size_t fuzz_file_count(void)
{
	return walk(0);
}
