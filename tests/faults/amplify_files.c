/*
 * amplify_files.c - files that the command reads: lists of checksums, and
 * arrays of NumPy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/files/npy.h"
#include "cli/ui/trouble.h"
#include "cli/verify/manifest.h"
#include "tests/faults/amplify.h"
#include "tests/support/scratch.h"

/* In place of the command's own functions, which print. */
int trouble(const char *format, ...)
{
	(void)format;
	return EXIT_TROUBLE;
}

int trouble_memory(void)
{
	return EXIT_TROUBLE;
}

void test_manifests(void **state)
{
	static const char *const lines[] = {
		"0123456789abcdef  a\n",
		"xxh3 0123456789abcdef a:b\n",
		"\n",
		"# \n",
	};
	char *folder = scratch_make();
	char *path = scratch_path(folder, "list");

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct manifest manifest = { .text = NULL };
		struct text text = { 0 };

		while (text.size < 4000000)
			put_text(&text, lines[i]);
		scratch_write(path, text.bytes, text.size);
		free(text.bytes);
		watch();
		if (manifest_read(&manifest, path))
			manifest_free(&manifest);
		check_memory("a manifest", text.size, 16);
	}
	free(path);
	scratch_remove(folder);
}

void test_npy(void **state)
{
	static const char *const shapes[] = {
		"(1000000000000,)",
		"(1, 4000000000)",
		"(1, 1, 1, 1, 1, 1, 1, 1, 4294967296)",
	};
	char *folder = scratch_make();
	char *path = scratch_path(folder, "a.npy");

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct npy_array array = { .data = NULL };
		char header[128];
		FILE *stream;

		memset(header, ' ', sizeof(header));
		memcpy(header, "\x93NUMPY\1\0\x76\0", 10);
		snprintf(header + 10, sizeof(header) - 10,
			 "{'descr': '<f4', 'fortran_order': False, 'shape': "
			 "%s}",
			 shapes[i]);
		header[strlen(header + 10) + 10] = ' ';
		header[sizeof(header) - 1] = '\n';
		scratch_write(path, header, sizeof(header));
		stream = fopen(path, "rb");
		assert_non_null(stream);
		watch();
		assert_int_not_equal(npy_read(stream, &array, NULL), QUIRE_OK);
		check_memory("an array", sizeof(header), 1024);
		fclose(stream);
	}
	free(path);
	scratch_remove(folder);
}
