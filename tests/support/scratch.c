/*
 * scratch.c - temporary folders and whole-file reads and writes for tests.
 */
#include "tests/support/scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check.h"

char *scratch_make(void)
{
	const char *root = getenv("TMPDIR");
	char *folder = scratch_path(root ? root : "/tmp", "quire-test-XXXXXX");

	assert_non_null(mkdtemp(folder));
	return folder;
}

char *scratch_path(const char *folder, const char *name)
{
	const size_t size = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size);

	assert_non_null(path);
	snprintf(path, size, "%s/%s", folder, name);
	return path;
}

static size_t walk(const char *folder, int remove_files)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char *path;

		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		if (!remove_files)
			continue;
		path = scratch_path(folder, entry->d_name);
		if (unlink(path) != 0) {
			walk(path, 1);
			rmdir(path);
		}
		free(path);
	}
	closedir(dir);
	return count;
}

void scratch_remove(char *folder)
{
	walk(folder, 1);
	rmdir(folder);
	free(folder);
}

size_t scratch_count(const char *folder)
{
	return walk(folder, 0);
}

unsigned char *scratch_read(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes;
	long end;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	end = ftell(file);
	assert_true(end >= 0);
	rewind(file);
	bytes = malloc((size_t)end + 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)end, file), (size_t)end);
	fclose(file);
	*size = (size_t)end;
	return bytes;
}

void scratch_write(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

void scratch_write_in(const char *folder, const char *name, const char *text)
{
	char *path = scratch_path(folder, name);

	for (char *at = path + strlen(folder) + 1; (at = strchr(at, '/'));
	     at++) {
		*at = '\0';
		(void)mkdir(path, 0777);
		*at = '/';
	}
	scratch_write(path, text, strlen(text));
	free(path);
}

void scratch_copy(const char *from, const char *to)
{
	size_t size;
	unsigned char *bytes = scratch_read(from, &size);

	scratch_write(to, bytes, size);
	free(bytes);
}

void scratch_flip(const char *path, size_t at, unsigned char bits)
{
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);

	assert_true(at < size);
	bytes[at] ^= bits;
	scratch_write(path, bytes, size);
	free(bytes);
}
