/*
 * test_write_parts.c - sets whose parts the caller chooses, and sets that are
 * written again with other metadata: files that would not change are kept.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

#define ALIGNMENT 32
#define COUNT	  300 /* floats of each tensor */
#define PARTS	  4

/* By tensor. The second part is empty. */
static const uint32_t declared[] = { 0, 0, 2, 2, 2, 3 };
#define TENSOR_COUNT (sizeof(declared) / sizeof(declared[0]))

static const char *const names[PARTS] = { "model-00001-of-00004.gguf",
					  "model-00002-of-00004.gguf",
					  "model-00003-of-00004.gguf",
					  "model-00004-of-00004.gguf" };

static void declare(quire_writer *writer, size_t index, uint32_t part)
{
	const char name[] = { 't', (char)('0' + index), '\0' };
	const quire_tensor tensor = {
		.name = { name, 2 }, .rank = 1, .shape = { COUNT }, .part = part
	};

	writing_declare(writer, &tensor);
}

static void write_all(quire_writer *writer)
{
	float floats[COUNT];

	for (size_t i = TENSOR_COUNT; i-- > 0;) {
		for (size_t k = 0; k < COUNT; k++)
			floats[k] = (float)(1000 * i + k);
		writing_put(writer, i, floats, sizeof(floats));
	}
}

static void write_set(const struct folder *folder)
{
	const quire_writer_options options = { .alignment = ALIGNMENT,
					       .part_count = PARTS };
	quire_writer *writer = writing_begin(folder->file, &options);

	writing_set(writer, "test.a", 7);
	for (size_t i = 0; i < TENSOR_COUNT; i++)
		declare(writer, i, declared[i]);
	write_all(writer);
	writing_finish(writer);
}

/* The set, and its files for quire_writer_adopt_set. */
struct opened {
	quire_model *model;
	int files[PARTS];
	const char *paths[PARTS];
};

static struct opened open_set(const struct folder *folder)
{
	char *path = scratch_path(folder->path, names[2]);
	struct opened opened = { .model = writing_open(path) };
	quire_part part;

	assert_int_equal(quire_model_part_count(opened.model), PARTS);
	for (size_t i = 0; quire_model_part(opened.model, i, &part); i++) {
		opened.files[i] = open(part.path, O_RDONLY);
		opened.paths[i] = part.path;
		assert_true(opened.files[i] >= 0);
	}
	free(path);
	return opened;
}

static void close_set(struct opened *opened)
{
	for (size_t i = 0; i < PARTS; i++)
		close(opened->files[i]);
	quire_model_close(opened->model);
}

static quire_status write_again(const struct folder *folder,
				const struct opened *from, size_t files,
				bool keep, uint32_t value, quire_error *error)
{
	const quire_writer_options options = { .alignment = ALIGNMENT,
					       .overwrite = true,
					       .part_count = PARTS,
					       .keep_parts = keep };
	quire_writer *writer = writing_begin(folder->file, &options);
	quire_status status;

	writing_set(writer, "test.a", value);
	for (size_t i = 0; i < TENSOR_COUNT; i++)
		writing_declare(writer, quire_model_tensor(from->model, i));
	status = quire_writer_adopt_set(writer, from->files, from->paths, files,
					NULL, NULL, error);
	if (status == QUIRE_OK)
		status = quire_writer_finish(writer, error);
	quire_writer_free(writer);
	return status;
}

static ino_t number_of(const struct folder *folder, const char *name)
{
	char *path = scratch_path(folder->path, name);
	struct stat facts;

	assert_int_equal(stat(path, &facts), 0);
	free(path);
	return facts.st_ino;
}

static void check_set(const struct folder *folder, uint32_t value)
{
	struct opened set = open_set(folder);
	const quire_value *found = quire_model_find_value(set.model, "test.a");

	assert_int_equal(quire_model_verify(set.model, NULL, NULL), QUIRE_OK);
	assert_int_equal(found->as.u, value);
	for (size_t i = 0; i < TENSOR_COUNT; i++) {
		const quire_tensor *tensor = quire_model_tensor(set.model, i);
		const float *floats = tensor->data;

		assert_int_equal(tensor->part, declared[i]);
		assert_true(floats[0] == (float)(1000 * i));
		assert_true(floats[COUNT - 1] == (float)(1000 * i + COUNT - 1));
	}
	close_set(&set);
	assert_int_equal(scratch_count(folder->path), PARTS);
}

static void test_declared_parts(void **state)
{
	const struct folder *folder = *state;
	struct opened set;
	quire_part part;

	write_set(folder);
	check_set(folder, 7);
	set = open_set(folder);
	assert_true(quire_model_part(set.model, 1, &part));
	assert_int_equal(part.tensor_count, 0);
	assert_int_equal(part.first_tensor, 2);
	close_set(&set);
}

/* New metadata: only the first file is another one. */
static void test_kept_parts(void **state)
{
	const struct folder *folder = *state;
	struct opened set;
	ino_t old[PARTS];

	write_set(folder);
	set = open_set(folder);
	for (size_t i = 0; i < PARTS; i++)
		old[i] = number_of(folder, names[i]);
	assert_int_equal(write_again(folder, &set, PARTS, true, 7, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < PARTS; i++)
		assert_int_equal(number_of(folder, names[i]), old[i]);
	assert_int_equal(write_again(folder, &set, PARTS, true, 8, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < PARTS; i++)
		assert_int_equal(number_of(folder, names[i]) == old[i], i > 0);
	check_set(folder, 8);
	/* Without the option all are written. The old files stay until they are
	 * closed, so their numbers are not used again. */
	assert_int_equal(write_again(folder, &set, PARTS, false, 8, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < PARTS; i++)
		assert_int_not_equal(number_of(folder, names[i]), old[i]);
	close_set(&set);
	check_set(folder, 8);
}

/* A file that is not the one to be kept is written, and so is the first. */
static void test_other_part(void **state)
{
	const struct folder *folder = *state;
	char *path = scratch_path(folder->path, names[2]);
	struct opened set;
	ino_t old[PARTS];

	write_set(folder);
	set = open_set(folder);
	for (size_t i = 0; i < PARTS; i++)
		old[i] = number_of(folder, names[i]);
	assert_int_equal(unlink(path), 0);
	scratch_write(path, "other", 5);
	assert_int_equal(write_again(folder, &set, PARTS, true, 7, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < PARTS; i++)
		assert_int_equal(number_of(folder, names[i]) == old[i],
				 i == 1 || i == 3);
	close_set(&set);
	check_set(folder, 7);
	free(path);
}

/* The error names the file that ends too early. */
static void test_short_part(void **state)
{
	const struct folder *folder = *state;
	struct opened set;
	quire_error error;
	quire_part part;

	write_set(folder);
	set = open_set(folder);
	assert_true(quire_model_part(set.model, 2, &part));
	assert_int_equal(truncate(part.path, (off_t)part.file_size - 100), 0);
	assert_int_equal(write_again(folder, &set, PARTS, false, 8, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_string_equal(error.path, part.path);
	/* The file of a tensor is not given. */
	assert_int_equal(write_again(folder, &set, 2, false, 8, &error),
			 QUIRE_ERROR_ARGUMENT);
	close_set(&set);
	assert_int_equal(scratch_count(folder->path), PARTS);
}

static void check_refused(const struct folder *folder, uint32_t second)
{
	const quire_writer_options options = { .part_count = 2 };
	const quire_value no = { .type = QUIRE_VALUE_U16 };
	quire_writer *writer = writing_begin(folder->file, &options);
	quire_error error;

	assert_int_equal(
	    quire_writer_set_value(writer, "quire.split.xxh3", &no, NULL),
	    QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_writer_set_value(writer, "split.no", &no, NULL),
			 QUIRE_OK);
	declare(writer, 0, 1);
	declare(writer, 1, second);
	assert_int_equal(quire_writer_write(writer, 0, NULL, 0, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "tensor 't1' is in part"));
	quire_writer_free(writer);
	assert_int_equal(scratch_count(folder->path), 0);
}

static void test_refused(void **state)
{
	const struct folder *folder = *state;
	const quire_writer_options both = { .part_count = 2, .split_size = 9 };
	quire_writer *writer = NULL;

	assert_int_equal(
	    quire_writer_create(folder->file, &both, &writer, NULL),
	    QUIRE_ERROR_ARGUMENT);
	assert_null(writer);
	check_refused(folder, 0);
	check_refused(folder, 2);
}

/* Beside a set there may be a file of its name without numbers. */
static void test_beside_one_file(void **state)
{
	const struct folder *folder = *state;
	const quire_writer_options options = { .split_size = 1 << 20 };
	quire_writer *writer;
	quire_error error;

	scratch_write(folder->file, "old", 3);
	write_set(folder);
	assert_int_equal(scratch_count(folder->path), PARTS + 1);
	writer = writing_begin(folder->file, &options);
	declare(writer, 0, 0);
	assert_int_equal(quire_writer_write(writer, 0, NULL, 0, &error),
			 QUIRE_ERROR_EXISTS);
	quire_writer_free(writer);
	assert_int_equal(scratch_count(folder->path), PARTS + 1);
	assert_int_equal(unlink(folder->file), 0);
	check_set(folder, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_declared_parts),
		FOLDER_TEST(test_kept_parts),
		FOLDER_TEST(test_other_part),
		FOLDER_TEST(test_short_part),
		FOLDER_TEST(test_refused),
		FOLDER_TEST(test_beside_one_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
