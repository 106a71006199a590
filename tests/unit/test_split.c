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
	/* The padding of the last tensor of a part is that part's. */
	bytes[part.data_offset] ^= 1;
	bytes[size - 1] = 1;
	scratch_write(path, bytes, size);
	quire_model_close(model);
	model = open_part(folder, 2);
	assert_int_equal(quire_model_verify(model, NULL, &error),
			 QUIRE_ERROR_LAYOUT);
	assert_int_equal(error.offset, size - 1);
	quire_model_close(model);
	free(bytes);
	free(path);
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
		cmocka_unit_test(test_a_part_alone_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
