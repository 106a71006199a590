/*
 * edit_text.c - reads a file whole. A chat template is taken byte for byte: no
 * line end is added, changed or removed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/rewrite/edit_text.h"
#include "cli/ui/trouble.h"

/* A header is in memory as a whole. The largest tokenizers have 20 MB. */
#define FILE_SIZE_MAX ((size_t)64 << 20)

static bool fail(const char *key, const char *path, const char *why)
{
	trouble("edit: '%s': %s: %s", key, path, why);
	return false;
}

/* Reads until the end, of a pipe too. */
static bool read_all(FILE *stream, struct edit_text *text, const char **why)
{
	char *data = NULL;
	size_t size = 0, capacity = 0;
	size_t got;

	do {
		if (size + 1 >= capacity) {
			char *more = realloc(data, capacity * 2 + 4096);

			if (!more) {
				free(data);
				*why = "out of memory";
				return false;
			}
			data = more;
			capacity = capacity * 2 + 4096;
		}
		errno = EIO;
		got = fread(data + size, 1, capacity - size - 1, stream);
		size += got;
	} while (got > 0 && size <= FILE_SIZE_MAX);
	if (ferror(stream) || size > FILE_SIZE_MAX) {
		*why =
		    ferror(stream) ? strerror(errno) : "is larger than 64 MiB";
		free(data);
		return false;
	}
	data[size] = '\0';
	*text = (struct edit_text){ data, size, true, data };
	return true;
}

static bool read_file(const char *key, const char *path, struct edit_text *text)
{
	struct file_facts facts;
	const char *why;
	FILE *stream;
	bool read;

	if (!*path)
		return fail(key, "@", "names no file");
	if (quire_path_facts(path, &facts) && facts.kind == FILE_FOLDER)
		return fail(key, path, "is a folder");
	stream = fopen(path, "rb");
	if (!stream) {
		why = strerror(errno);
		trouble("edit: '%s': %s: cannot open: %s; a value that begins "
			"with @ is written @@",
			key, path, why);
		return false;
	}
	read = read_all(stream, text, &why);
	fclose(stream);
	return read || fail(key, path, why);
}

bool edit_text_read(const char *key, const char *word, struct edit_text *text)
{
	if (word[0] == '@' && word[1] != '@')
		return read_file(key, word + 1, text);
	if (word[0] == '@')
		word++;
	*text = (struct edit_text){ word, strlen(word), false, NULL };
	return true;
}
