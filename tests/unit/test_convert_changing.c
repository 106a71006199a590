/*
 * test_convert_changing.c - sources that are written to while they are
 * converted: that is an error, and no file is left behind.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

/* Copies a file of tests/onnx into the folder; its path, to be freed. */
static char *copy_to(const char *folder, const char *name)
{
	char *from = scratch_path(QUIRE_TEST_ONNX, name);
	char *to = scratch_path(folder, strrchr(name, '/') + 1);

	scratch_copy(from, to);
	free(from);
	return to;
}

enum change {
	LONGER,
	SHORTER,
	OVERWRITTEN
};

struct changing {
	const char *path;
	enum change change;
};

static bool change_source(void *context, uint64_t done, uint64_t total)
{
	const struct changing *changing = context;
	size_t size;
	unsigned char *bytes = scratch_read(changing->path, &size);
	unsigned char *longer = malloc(size + 1);

	(void)done;
	(void)total;
	assert_non_null(longer);
	memcpy(longer, bytes, size);
	longer[size] = 0;
	longer[size / 2] ^= 1;
	scratch_write(changing->path, longer,
		      changing->change == LONGER    ? size + 1
		      : changing->change == SHORTER ? size / 2
						    : size);
	free(longer);
	free(bytes);
	return true;
}

/* The model, or a file of its weights, is written to meanwhile. It is refused
 * even if all reads succeeded: some bytes may be old and some new. */
static void check_changing(const char *folder, const char *source,
			   const char *changed, enum change change)
{
	static const struct timespec long_ago[2] = { { .tv_sec = 1 },
						     { .tv_sec = 1 } };
	struct changing changing = { .path = changed, .change = change };
	const quire_convert_options options = { .progress = change_source,
						.context = &changing };
	const size_t files = scratch_count(folder);
	char *output = scratch_path(folder, "out.gguf");
	quire_error error;
	size_t size;
	unsigned char *bytes = scratch_read(changed, &size);

	assert_int_equal(utimensat(AT_FDCWD, changed, long_ago, 0), 0);
	assert_int_equal(
	    quire_convert_onnx(source, output, &options, NULL, &error),
	    QUIRE_ERROR_IO);
	assert_non_null(strstr(error.message, "changed while it was read"));
	assert_int_equal(scratch_count(folder), files);
	scratch_write(changed, bytes, size);
	free(bytes);
	free(output);
}

static void test_changing(void **state)
{
	char *folder = scratch_make();
	char *inside = copy_to(folder, "good/plain.onnx");
	char *beside = copy_to(folder, "places/gather_external.onnx");
	char *data = copy_to(folder, "places/gather_external.bin");

	(void)state;
	for (enum change change = LONGER; change <= OVERWRITTEN; change++) {
		check_changing(folder, inside, inside, change);
		check_changing(folder, beside, beside, change);
		check_changing(folder, beside, data, change);
	}
	free(inside);
	free(beside);
	free(data);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
