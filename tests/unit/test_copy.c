/*
 * test_copy.c - models written again by quire_copy: stamped, stripped, as one
 * file and as sets, with other metadata, and what is refused. Tests of the
 * command (tests/cli: stamp, strip, edit, merge, split) look at more of the
 * bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/scratch.h"

#define GOOD	  QUIRE_TEST_GOLDEN "/good/"
#define FOREIGN	  GOOD "foreign_version_3.gguf"
#define CONTAINER GOOD "container_mixed_4096.gguf"
#define SET	  GOOD "set_container-00002-of-00004.gguf"

/* Opens, writes and closes. */
static quire_status write_again(const char *from, const char *to,
				const quire_copy_options *options,
				quire_error *error)
{
	quire_copy *copy;
	quire_status status = quire_copy_open(from, false, &copy, error);

	if (status != QUIRE_OK)
		return status;
	status = quire_copy_write(copy, to, options, error);
	assert_int_equal(status == QUIRE_OK, quire_copy_written(copy) != NULL);
	quire_copy_close(copy);
	return status;
}

static quire_model *open_model(const char *path)
{
	quire_model *model = NULL;

	assert_int_equal(quire_model_open(path, NULL, &model, NULL), QUIRE_OK);
	return model;
}

/* The tensors of both have the same names, types and bytes. */
static void check_same_tensors(const char *a, const char *b)
{
	quire_model *first = open_model(a), *second = open_model(b);
	const size_t count = quire_model_tensor_count(first);

	assert_int_equal(quire_model_tensor_count(second), count);
	for (size_t i = 0; i < count; i++) {
		const quire_tensor *x = quire_model_tensor(first, i);
		const quire_tensor *y = quire_model_tensor(second, i);

		assert_int_equal(x->name.size, y->name.size);
		assert_memory_equal(x->name.data, y->name.data, x->name.size);
		assert_int_equal(x->dtype, y->dtype);
		assert_int_equal(x->size, y->size);
		assert_memory_equal(x->data, y->data, x->size);
	}
	quire_model_close(first);
	quire_model_close(second);
}

static uint32_t quire_version_of(const char *path)
{
	quire_model *model = open_model(path);
	quire_model_info info;

	quire_model_describe(model, &info);
	quire_model_close(model);
	return info.quire_version;
}

static void stamps_and_strips(void **state)
{
	const struct folder *folder = *state;
	const quire_copy_options plain = { .plain = true };
	quire_model *model;

	assert_int_equal(write_again(FOREIGN, folder->file, NULL, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_version_of(folder->file), QUIRE_FORMAT_VERSION);
	check_same_tensors(FOREIGN, folder->file);
	model = open_model(folder->file);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	quire_model_close(model);

	assert_int_equal(write_again(folder->file, folder->other, &plain, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_version_of(folder->other), 0);
	check_same_tensors(FOREIGN, folder->other);
	model = open_model(folder->other);
	/* 32 needs no key. */
	assert_null(quire_model_find_value(model, "general.alignment"));
	quire_model_close(model);
}

static void keeps_linears(void **state)
{
	const struct folder *folder = *state;
	quire_model *from = open_model(CONTAINER), *to;

	assert_int_equal(write_again(CONTAINER, folder->file, NULL, NULL),
			 QUIRE_OK);
	to = open_model(folder->file);
	assert_true(quire_model_linear_count(from) > 0);
	assert_int_equal(quire_model_linear_count(to),
			 quire_model_linear_count(from));
	quire_model_close(from);
	quire_model_close(to);
}

static void keeps_and_joins_sets(void **state)
{
	const struct folder *folder = *state;
	const quire_copy_options one = { .files = QUIRE_COPY_ONE_FILE };
	quire_copy *copy;
	quire_model *model;

	assert_int_equal(quire_copy_open(SET, false, &copy, NULL), QUIRE_OK);
	assert_int_equal(quire_model_part_count(quire_copy_model(copy)), 4);
	assert_null(quire_copy_written(copy));
	assert_int_equal(quire_copy_write(copy, folder->file, NULL, NULL),
			 QUIRE_OK);
	/* A set beside the name that was given. */
	assert_string_not_equal(quire_copy_written(copy), folder->file);
	model = open_model(quire_copy_written(copy));
	assert_int_equal(quire_model_part_count(model), 4);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	quire_model_close(model);
	check_same_tensors(SET, quire_copy_written(copy));

	assert_int_equal(quire_copy_write(copy, folder->other, &one, NULL),
			 QUIRE_OK);
	assert_string_equal(quire_copy_written(copy), folder->other);
	quire_copy_close(copy);
	check_same_tensors(SET, folder->other);
}

static const quire_value *without_name(void *context, const char *key,
				       const quire_value *value)
{
	++*(int *)context;
	return strcmp(key, "general.name") == 0 ? NULL : value;
}

static void chooses_and_adds_keys(void **state)
{
	const struct folder *folder = *state;
	int calls = 0;
	const quire_copy_value added = {
		"test.added", { .type = QUIRE_VALUE_U32, .as.u = 7 }
	};
	const quire_copy_options options = {
		.choose = without_name,
		.choose_context = &calls,
		.added = &added,
		.added_count = 1,
	};
	quire_model *model;

	assert_int_equal(write_again(CONTAINER, folder->file, &options, NULL),
			 QUIRE_OK);
	assert_true(calls > 0);
	model = open_model(folder->file);
	assert_null(quire_model_find_value(model, "general.name"));
	assert_int_equal(quire_model_find_value(model, "test.added")->as.u, 7);
	quire_model_close(model);
}

static bool stop(void *context, uint64_t done, uint64_t total)
{
	(void)context, (void)done, (void)total;
	return false;
}

static void refuses(void **state)
{
	const struct folder *folder = *state;
	const quire_copy_options cancelled = { .progress = stop };
	quire_copy *copy;
	quire_error error;

	assert_int_equal(write_again(FOREIGN, folder->file, &cancelled, &error),
			 QUIRE_ERROR_CANCELLED);
	assert_int_equal(
	    write_again(CONTAINER, folder->file, &cancelled, &error),
	    QUIRE_ERROR_CANCELLED);
	assert_int_equal(scratch_count(folder->path), 0);
	scratch_write(folder->file, "mine", 4);
	assert_int_equal(write_again(FOREIGN, folder->file, NULL, &error),
			 QUIRE_ERROR_EXISTS);
	assert_string_equal(error.path, folder->file);
	assert_int_equal(quire_copy_open(folder->other, false, &copy, &error),
			 QUIRE_ERROR_IO);
	assert_string_equal(error.path, folder->other);
	assert_int_equal(quire_copy_open(folder->file, false, &copy, &error),
			 QUIRE_ERROR_MAGIC);
	assert_int_equal(quire_copy_open(folder->path, false, &copy, &error),
			 QUIRE_ERROR_IO);
	quire_copy_close(NULL);
}

/* A byte of metadata that another tool changed. */
static void refuses_an_edited_header(void **state)
{
	const struct folder *folder = *state;
	quire_copy *copy;
	size_t size, at = 0;
	unsigned char *bytes = scratch_read(CONTAINER, &size);

	while (memcmp(bytes + at, "general.architecture", 20) != 0)
		at++;
	/* The key, the type, the size, and the first letter. */
	bytes[at + 20 + 4 + 8] ^= 1;
	scratch_write(folder->file, bytes, size);
	free(bytes);
	assert_int_equal(quire_copy_open(folder->file, false, &copy, NULL),
			 QUIRE_ERROR_CHECKSUM);
	assert_int_equal(quire_copy_open(folder->file, true, &copy, NULL),
			 QUIRE_OK);
	quire_copy_close(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(stamps_and_strips),
		FOLDER_TEST(keeps_linears),
		FOLDER_TEST(keeps_and_joins_sets),
		FOLDER_TEST(chooses_and_adds_keys),
		FOLDER_TEST(refuses),
		FOLDER_TEST(refuses_an_edited_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
