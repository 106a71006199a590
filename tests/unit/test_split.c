/*
 * test_split.c - split sets through the public interface. The golden files
 * have a set for each rule; here is what a whole one looks like.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

/* a.weight and cube; a.bias; nothing; b.weight. */
#define NAME   "set_container"
#define FOLDER QUIRE_TEST_GOLDEN "/good"
#define PARTS  4

static char *part_path(const char *folder, int part)
{
	char name[64];

	snprintf(name, sizeof(name), NAME "-%05d-of-%05d.gguf", part, PARTS);
	return scratch_path(folder, name);
}

static quire_model *open_part(const char *folder, int part)
{
	char *path = part_path(folder, part);
	quire_model *model = NULL;
	quire_error error = { .message = "" };

	if (quire_model_open(path, NULL, &model, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
	free(path);
	return model;
}

static void check_whole(const quire_model *model)
{
	static const size_t firsts[] = { 0, 2, 3, 3 };
	const quire_tensor *bias = quire_model_find_tensor(model, "a.bias");
	const quire_linear *first = quire_model_find_linear(model, "first");
	quire_model_info info;
	uint64_t size = 0;

	assert_int_equal(quire_model_tensor_count(model), 4);
	assert_int_equal(quire_model_linear_count(model), 2);
	assert_ptr_equal(first->bias, bias);
	assert_int_equal(bias->part, 1);
	assert_int_equal(quire_model_linear(model, 1)->weight->part, 3);
	assert_int_equal(quire_model_part_count(model), PARTS);
	for (int i = 0; i < PARTS; i++) {
		char *path = part_path(FOLDER, i + 1);
		quire_part part;

		assert_true(quire_model_part(model, (size_t)i, &part));
		assert_string_equal(part.path, path);
		assert_int_equal(part.first_tensor, firsts[i]);
		size += part.file_size;
		free(path);
	}
	quire_model_describe(model, &info);
	assert_int_equal(info.file_size, size);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	assert_int_equal(quire_model_check_files(model, NULL), QUIRE_OK);
}

static void test_any_part_opens_all(void **state)
{
	(void)state;
	for (int part = 1; part <= PARTS; part++) {
		quire_model *model = open_part(FOLDER, part);

		check_whole(model);
		quire_model_close(model);
	}
}

static void test_all_options(void **state)
{
	char *path = part_path(FOLDER, 2);

	(void)state;
	for (int way = 0; way < 6; way++) {
		const quire_open_options options = {
			.verify = (quire_verify_mode)(way % 3),
			.load = (quire_load_mode)(way / 3),
			.prefetch = QUIRE_PREFETCH_POPULATE,
		};
		quire_model *model;

		assert_int_equal(quire_model_open(path, &options, &model, NULL),
				 QUIRE_OK);
		check_whole(model);
		quire_model_close(model);
	}
	free(path);
}

static char *copy_set(void)
{
	char *folder = scratch_make();

	for (int part = 1; part <= PARTS; part++) {
		char *from = part_path(FOLDER, part);
		char *to = part_path(folder, part);

		scratch_copy(from, to);
		free(from);
		free(to);
	}
	return folder;
}

static void test_names_the_missing_part(void **state)
{
	char *folder = copy_set();
	char *first = part_path(folder, 1), *third = part_path(folder, 3);
	quire_model *model = NULL;
	quire_error error;

	(void)state;
	assert_int_equal(unlink(third), 0);
	assert_int_equal(quire_model_open(first, NULL, &model, &error),
			 QUIRE_ERROR_NOT_FOUND);
	assert_string_equal(error.path, third);
	assert_non_null(strstr(error.message, "[F-43]"));
	assert_null(model);
	free(first);
	free(third);
	scratch_remove(folder);
}

struct seen {
	uint32_t part;
	uint64_t offset;
	size_t count;
};

static void note_damage(void *context, const quire_tensor *tensor,
			uint64_t actual)
{
	struct seen *seen = context;

	(void)actual;
	seen->part = tensor->part;
	seen->offset = tensor->offset;
	seen->count++;
}

static void test_finds_damage_in_any_part(void **state)
{
	char *folder = copy_set();
	char *path = part_path(folder, 4);
	struct seen seen = { .count = 0 };
	const quire_verify_options how = { .damage = note_damage,
					   .context = &seen };
	quire_model *model = open_part(folder, 1);
	quire_error error;
	quire_part part;
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);

	(void)state;
	assert_true(quire_model_part(model, 3, &part));
	quire_model_close(model);
	bytes[part.data_offset] ^= 1;
	scratch_write(path, bytes, size);
	model = open_part(folder, 2);
	assert_int_equal(quire_model_verify(model, &how, &error),
			 QUIRE_ERROR_CHECKSUM);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.part, 3);
	assert_int_equal(seen.offset, part.data_offset);
	assert_string_equal(error.path, path);
	/* The padding of the last tensor of a part is that part's. */
	bytes[part.data_offset] ^= 1;
	bytes[size - 1] = 1;
	scratch_write(path, bytes, size);
	quire_model_close(model);
	model = open_part(folder, 2);
	assert_int_equal(quire_model_verify(model, NULL, &error),
			 QUIRE_ERROR_LAYOUT);
	assert_int_equal(error.offset, size - 1);
	assert_string_equal(error.path, path);
	quire_model_close(model);
	free(bytes);
	free(path);
	scratch_remove(folder);
}

/* With QUIRE_VERIFY_TENSORS opening finds the damage, with QUIRE_VERIFY_LAZY a
 * product does. */
static void check_open_names(const char *folder, const char *damaged)
{
	quire_open_options options = { .verify = QUIRE_VERIFY_TENSORS };
	char *path = part_path(folder, 1);
	float x[7] = { 0 }, y[3];
	quire_model *model = NULL;
	quire_runtime *runtime;
	quire_error error;

	assert_int_equal(quire_model_open(path, &options, &model, &error),
			 QUIRE_ERROR_CHECKSUM);
	assert_string_equal(error.path, damaged);
	options.verify = QUIRE_VERIFY_LAZY;
	assert_int_equal(quire_model_open(path, &options, &model, &error),
			 QUIRE_OK);
	assert_int_equal(quire_runtime_create(NULL, &runtime, NULL), QUIRE_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    quire_linear_run(runtime,
				     quire_model_find_linear(model, "second"),
				     x, 1, y, NULL, &error),
		    QUIRE_ERROR_CHECKSUM);
		assert_string_equal(error.path, damaged);
	}
	quire_runtime_free(runtime);
	quire_model_close(model);
	free(path);
}

static void test_open_names_the_damaged_part(void **state)
{
	char *folder = copy_set();
	char *path = part_path(folder, 4);
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);

	(void)state;
	bytes[448] ^= 1; /* of b.weight */
	scratch_write(path, bytes, size);
	check_open_names(folder, path);
	free(bytes);
	free(path);
	scratch_remove(folder);
}

/* A letter of general.architecture, in each part. */
static void test_names_the_edited_part(void **state)
{
	const quire_open_options lenient = { .allow_edited_header = true };
	char *folder = copy_set();
	char *first = part_path(folder, 1);

	(void)state;
	for (int no = 1; no <= PARTS; no++) {
		char *path = part_path(folder, no);
		size_t size;
		unsigned char *bytes = scratch_read(path, &size);
		quire_model *model;
		quire_error error;
		quire_part part;

		assert_memory_equal(bytes + 32, "general.architecture", 20);
		bytes[32 + 20 + 4 + 8] ^= 1;
		scratch_write(path, bytes, size);
		assert_int_equal(quire_model_open(first, NULL, &model, &error),
				 QUIRE_ERROR_CHECKSUM);
		assert_string_equal(error.path, path);
		assert_int_equal(
		    quire_model_open(first, &lenient, &model, NULL), QUIRE_OK);
		assert_int_equal(quire_model_verify(model, NULL, &error),
				 QUIRE_ERROR_CHECKSUM);
		assert_string_equal(error.path, path);
		for (size_t i = 0; quire_model_part(model, i, &part); i++)
			assert_int_equal(part.header_edited,
					 i == (size_t)no - 1);
		quire_model_close(model);
		bytes[32 + 20 + 4 + 8] ^= 1;
		scratch_write(path, bytes, size);
		free(bytes);
		free(path);
	}
	free(first);
	scratch_remove(folder);
}

/* A flip in the first part's list of checksums is that part's. */
static void test_names_the_first_part(void **state)
{
	const quire_open_options lenient = { .allow_edited_header = true };
	static const char key[] = "quire.split.xxh3";
	char *folder = copy_set();
	char *first = part_path(folder, 1), *second = part_path(folder, 2);
	quire_model *model = NULL;
	quire_error error;
	size_t size, at = 0;
	unsigned char *bytes = scratch_read(first, &size);

	(void)state;
	while (memcmp(bytes + at, key, strlen(key)) != 0)
		at++;
	/* Key, types of value and elements, count, the first element. */
	bytes[at + strlen(key) + 4 + 4 + 8 + 8] ^= 1;
	scratch_write(first, bytes, size);
	assert_int_equal(quire_model_open(second, &lenient, &model, &error),
			 QUIRE_ERROR_LAYOUT);
	assert_string_equal(error.path, first);
	assert_null(model);
	free(bytes);
	free(first);
	free(second);
	scratch_remove(folder);
}

static void test_a_part_alone_is_refused(void **state)
{
	char *path = part_path(FOLDER, 1);
	const int fd = open(path, O_RDONLY);
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);
	quire_model *model = NULL;

	(void)state;
	assert_int_equal(
	    quire_model_open_memory(bytes, size, NULL, &model, NULL),
	    QUIRE_ERROR_UNSUPPORTED);
	assert_int_equal(quire_model_open_fd(fd, NULL, &model, NULL),
			 QUIRE_ERROR_UNSUPPORTED);
	assert_null(model);
	close(fd);
	free(bytes);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_part_opens_all),
		cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_names_the_missing_part),
		cmocka_unit_test(test_finds_damage_in_any_part),
		cmocka_unit_test(test_open_names_the_damaged_part),
		cmocka_unit_test(test_names_the_edited_part),
		cmocka_unit_test(test_names_the_first_part),
		cmocka_unit_test(test_a_part_alone_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
