/*
 * test_convert_files.c - what a conversion does with files: links and folders
 * of external data, outputs that exist, cancelling. Neither the number of
 * threads nor the size of a tensor changes the output.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/scratch.h"

/* The path of a file of tests/onnx, to be freed. */
static char *published(const char *name)
{
	return scratch_path(QUIRE_TEST_ONNX, name);
}

/* Copies a file of tests/onnx to a path in the folder, to be freed. */
static char *copy_to(const struct folder *folder, const char *name,
		     const char *as)
{
	char *from = published(name);
	char *to = scratch_path(folder->path, as);

	scratch_copy(from, to);
	free(from);
	return to;
}

/* A subfolder, to be freed. */
static char *make_folder(const struct folder *folder, const char *name)
{
	char *path = scratch_path(folder->path, name);

	assert_int_equal(mkdir(path, 0700), 0);
	return path;
}

static void link_to(const char *target, const char *folder, const char *name)
{
	char *path = scratch_path(folder, name);

	assert_int_equal(symlink(target, path), 0);
	free(path);
}

static void remove_in(const char *folder, const char *name)
{
	char *path = scratch_path(folder, name);

	assert_int_equal(remove(path), 0);
	free(path);
}

/* The model in `inner` finds its two data files beside it: the first as a
 * link to `target`. */
static void check_link(const struct folder *folder, const char *target,
		       quire_status expected)
{
	char *inner = make_folder(folder, "inner");
	char *sub = make_folder(folder, "inner/sub");
	char *model =
	    copy_to(folder, "places/external.onnx", "inner/external.onnx");
	char *second = copy_to(folder, "places/sub/external.second.bin",
			       "inner/sub/external.second.bin");
	quire_error error = { 0 };

	link_to(target, inner, "external.first.bin");
	assert_int_equal(
	    quire_convert_onnx(model, folder->file, NULL, NULL, &error),
	    expected);
	if (expected != QUIRE_OK)
		assert_non_null(strstr(error.message,
				       "is a link that leaves the model's "
				       "folder"));
	remove(folder->file);
	remove_in(inner, "external.first.bin");
	remove(second);
	remove(model);
	rmdir(sub);
	rmdir(inner);
	free(second);
	free(model);
	free(sub);
	free(inner);
}

static void test_link_that_leaves(void **state)
{
	const struct folder *folder = *state;
	char *data = copy_to(folder, "places/external.first.bin", "data.bin");

	check_link(folder, "../data.bin", QUIRE_ERROR_LAYOUT);
	check_link(folder, data, QUIRE_ERROR_LAYOUT);
	free(data);
}

/* A sparse file of more than 2 GiB is refused by its size; that takes no
 * memory. */
static void test_too_large(void **state)
{
	const struct folder *folder = *state;
	char *model = copy_to(folder, "good/plain.onnx", "model.onnx");
	quire_error error = { 0 };

	assert_int_equal(truncate(model, (off_t)INT32_MAX + 1), 0);
	assert_int_equal(
	    quire_convert_onnx(model, folder->file, NULL, NULL, &error),
	    QUIRE_ERROR_LAYOUT);
	assert_non_null(strstr(error.message, "more than 2147483647 bytes"));
	assert_int_equal(scratch_count(folder->path), 1);
	free(model);
}

/* "innermost" begins like "inner", but is another folder. */
static void test_link_to_neighbour(void **state)
{
	const struct folder *folder = *state;
	char *neighbour = make_folder(folder, "innermost");
	char *data =
	    copy_to(folder, "places/external.first.bin", "innermost/data.bin");

	check_link(folder, "../innermost/data.bin", QUIRE_ERROR_LAYOUT);
	remove(data);
	rmdir(neighbour);
	free(data);
	free(neighbour);
}

static void test_link_that_stays(void **state)
{
	const struct folder *folder = *state;
	char *inner = make_folder(folder, "inner");
	char *data =
	    copy_to(folder, "places/external.first.bin", "inner/data.bin");
	char *sub = make_folder(folder, "inner/sub");
	char *second = copy_to(folder, "places/sub/external.second.bin",
			       "inner/sub/external.second.bin");
	char *model =
	    copy_to(folder, "places/external.onnx", "inner/external.onnx");

	link_to("data.bin", inner, "external.first.bin");
	assert_int_equal(
	    quire_convert_onnx(model, folder->file, NULL, NULL, NULL),
	    QUIRE_OK);
	remove_in(inner, "external.first.bin");
	remove(data);
	remove(second);
	remove(model);
	rmdir(sub);
	rmdir(inner);
	free(model);
	free(second);
	free(sub);
	free(data);
	free(inner);
}

/* As in a download cache: the model and its data are links into one folder of
 * blobs, which is then the model's own. */
static void test_model_is_a_link(void **state)
{
	const struct folder *folder = *state;
	char *blobs = make_folder(folder, "blobs");
	char *inner = make_folder(folder, "inner");
	char *sub = make_folder(folder, "inner/sub");
	char *model = copy_to(folder, "places/external.onnx", "blobs/m");
	char *first = copy_to(folder, "places/external.first.bin", "blobs/f");
	char *second =
	    copy_to(folder, "places/sub/external.second.bin", "blobs/s");
	char *linked = scratch_path(inner, "external.onnx");

	link_to("../blobs/m", inner, "external.onnx");
	link_to("../blobs/f", inner, "external.first.bin");
	link_to("../../blobs/s", sub, "external.second.bin");
	assert_int_equal(
	    quire_convert_onnx(linked, folder->file, NULL, NULL, NULL),
	    QUIRE_OK);
	remove(linked);
	remove_in(inner, "external.first.bin");
	remove_in(sub, "external.second.bin");
	remove(model);
	remove(first);
	remove(second);
	rmdir(sub);
	rmdir(inner);
	rmdir(blobs);
	free(linked);
	free(second);
	free(first);
	free(model);
	free(sub);
	free(inner);
	free(blobs);
}

static void test_existing_output(void **state)
{
	const struct folder *folder = *state;
	const quire_convert_options overwrite = { .overwrite = true };
	char *source = published("good/plain.onnx");
	quire_model *model;
	unsigned char *bytes;
	size_t size;

	scratch_write(folder->file, "old", 3);
	assert_int_equal(
	    quire_convert_onnx(source, folder->file, NULL, NULL, NULL),
	    QUIRE_ERROR_EXISTS);
	bytes = scratch_read(folder->file, &size);
	assert_int_equal(size, 3);
	assert_memory_equal(bytes, "old", 3);
	free(bytes);
	assert_int_equal(scratch_count(folder->path), 1);
	assert_int_equal(
	    quire_convert_onnx(source, folder->file, &overwrite, NULL, NULL),
	    QUIRE_OK);
	assert_int_equal(quire_model_open(folder->file, NULL, &model, NULL),
			 QUIRE_OK);
	quire_model_close(model);
	free(source);
}

/* `overwrite` never replaces the source model. */
static void test_output_is_the_source(void **state)
{
	const struct folder *folder = *state;
	const quire_convert_options overwrite = { .overwrite = true };
	char *model = copy_to(folder, "good/plain.onnx", "plain.onnx");
	quire_error error = { 0 };
	size_t before;
	size_t after;

	free(scratch_read(model, &before));
	assert_int_equal(
	    quire_convert_onnx(model, model, &overwrite, NULL, &error),
	    QUIRE_ERROR_ARGUMENT);
	assert_string_equal(error.path, model);
	assert_non_null(strstr(error.message, "a file of the source model"));
	free(scratch_read(model, &after));
	assert_int_equal(before, after);
	assert_int_equal(scratch_count(folder->path), 1);
	free(model);
}

static void test_missing_model(void **state)
{
	const struct folder *folder = *state;
	char *path = scratch_path(folder->path, "none.onnx");
	quire_error error = { 0 };

	assert_int_equal(
	    quire_convert_onnx(path, folder->file, NULL, NULL, &error),
	    QUIRE_ERROR_IO);
	assert_string_equal(error.path, path);
	assert_int_equal(
	    quire_convert_onnx(folder->path, folder->file, NULL, NULL, &error),
	    QUIRE_ERROR_IO);
	assert_int_equal(scratch_count(folder->path), 0);
	free(path);
}

static void test_bad_options(void **state)
{
	const struct folder *folder = *state;
	const quire_convert_options threads = { .threads = 100000 };
	const quire_convert_options alignment = { .alignment = 48 };
	char *source = published("good/plain.onnx");

	assert_int_equal(
	    quire_convert_onnx(source, folder->file, &threads, NULL, NULL),
	    QUIRE_ERROR_ARGUMENT);
	assert_int_equal(
	    quire_convert_onnx(source, folder->file, &alignment, NULL, NULL),
	    QUIRE_ERROR_ARGUMENT);
	assert_int_equal(scratch_count(folder->path), 0);
	free(source);
}

struct seen {
	uint64_t calls;
	uint64_t done;
	uint64_t total;
	uint64_t stop_at; /* bytes; 0: never */
};

static bool watch(void *context, uint64_t done, uint64_t total)
{
	struct seen *seen = context;

	assert_true(done >= seen->done);
	assert_true(done <= total);
	seen->calls++;
	seen->done = done;
	seen->total = total;
	return seen->stop_at == 0 || done < seen->stop_at;
}

static void test_progress(void **state)
{
	const struct folder *folder = *state;
	struct seen seen = { 0 };
	const quire_convert_options options = { .progress = watch,
						.context = &seen };
	char *source = published("places/external.onnx");
	quire_convert_report *report;

	assert_int_equal(
	    quire_convert_onnx(source, folder->file, &options, &report, NULL),
	    QUIRE_OK);
	assert_true(seen.calls > 0);
	assert_int_equal(seen.done, seen.total);
	assert_int_equal(seen.total, report->tensor_size);
	quire_convert_report_free(report);
	free(source);
}

static void test_cancel(void **state)
{
	const struct folder *folder = *state;
	struct seen seen = { .stop_at = 1 };
	const quire_convert_options options = { .progress = watch,
						.context = &seen };
	char *source = published("places/external.onnx");

	assert_int_equal(
	    quire_convert_onnx(source, folder->file, &options, NULL, NULL),
	    QUIRE_ERROR_CANCELLED);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(scratch_count(folder->path), 0);
	free(source);
}

/* An option sets the name in the container. */
static void test_names_in_options(void **state)
{
	const struct folder *folder = *state;
	const quire_convert_options options = { .architecture = "bert",
						.name = "mini",
						.alignment = 64 };
	char *source = published("good/plain.onnx");
	quire_model_info info;
	quire_model *model;
	quire_string text;

	assert_int_equal(
	    quire_convert_onnx(source, folder->file, &options, NULL, NULL),
	    QUIRE_OK);
	assert_int_equal(quire_model_open(folder->file, NULL, &model, NULL),
			 QUIRE_OK);
	text = quire_model_find_value(model, "general.architecture")->as.s;
	assert_memory_equal(text.data, "bert", 4);
	text = quire_model_find_value(model, "general.name")->as.s;
	assert_memory_equal(text.data, "mini", 4);
	quire_model_describe(model, &info);
	assert_int_equal(info.alignment, 64);
	quire_model_close(model);
	free(source);
}

static void test_threads_do_not_matter(void **state)
{
	const struct folder *folder = *state;
	char *source = published("good/shared.onnx");
	unsigned char *first = NULL;
	size_t first_size = 0;

	for (uint32_t threads = 1; threads <= 5; threads++) {
		const quire_convert_options options = { .overwrite = true,
							.threads = threads };
		unsigned char *bytes;
		size_t size;

		assert_int_equal(quire_convert_onnx(source, folder->file,
						    &options, NULL, NULL),
				 QUIRE_OK);
		bytes = scratch_read(folder->file, &size);
		if (first) {
			assert_int_equal(size, first_size);
			assert_memory_equal(bytes, first, size);
			free(bytes);
		} else {
			first = bytes;
			first_size = size;
		}
	}
	free(first);
	free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_link_that_leaves),
		FOLDER_TEST(test_too_large),
		FOLDER_TEST(test_link_to_neighbour),
		FOLDER_TEST(test_link_that_stays),
		FOLDER_TEST(test_model_is_a_link),
		FOLDER_TEST(test_existing_output),
		FOLDER_TEST(test_output_is_the_source),
		FOLDER_TEST(test_missing_model),
		FOLDER_TEST(test_bad_options),
		FOLDER_TEST(test_progress),
		FOLDER_TEST(test_cancel),
		FOLDER_TEST(test_names_in_options),
		FOLDER_TEST(test_threads_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
