/*
 * folder.c - set-up and tear-down of a test's folder.
 */
#include "tests/support/folder.h"

#include <stdlib.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"

int folder_set_up(void **state)
{
	struct folder *folder = malloc(sizeof(*folder));

	assert_non_null(folder);
	folder->path = scratch_make();
	folder->file = scratch_path(folder->path, "model.gguf");
	folder->other = scratch_path(folder->path, "other.gguf");
	*state = folder;
	return 0;
}

int folder_tear_down(void **state)
{
	struct folder *folder = *state;

	free(folder->file);
	free(folder->other);
	scratch_remove(folder->path);
	free(folder);
	return 0;
}
