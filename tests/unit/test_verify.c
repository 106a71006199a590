/*
 * test_verify.c - every flipped bit of a container is found, and its place is
 * reported: header, tensor or padding.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/scratch.h"

struct file {
	char *folder;
	unsigned char *bytes;
	size_t size;
};

static int set_up(void **state)
{
	struct file *file = malloc(sizeof(*file));
	char *path;

	file->folder = scratch_make();
	path = scratch_path(file->folder, "sample.gguf");
	sample_write(path);
	file->bytes = scratch_read(path, &file->size);
	free(path);
	*state = file;
	return 0;
}

static int tear_down(void **state)
{
	struct file *file = *state;

	free(file->bytes);
	scratch_remove(file->folder);
	free(file);
	return 0;
}

static quire_model *open_file(const struct file *file, bool allow_edited)
{
	const quire_open_options options = { .allow_edited_header =
						 allow_edited };
	quire_model *model;

	assert_int_equal(quire_model_open_memory(file->bytes, file->size,
						 &options, &model, NULL),
			 QUIRE_OK);
	return model;
}

struct seen {
	char names[3][8];
	size_t count;
	uint64_t done, total;
	bool stop;
};

static void note_damage(void *context, const quire_tensor *tensor,
			uint64_t actual)
{
	struct seen *seen = context;

	assert_true(actual != tensor->xxh3);
	assert_true(seen->count < 3);
	memcpy(seen->names[seen->count++], tensor->name.data,
	       tensor->name.size < 8 ? tensor->name.size : 8);
}

static bool note_progress(void *context, uint64_t done, uint64_t total)
{
	struct seen *seen = context;

	assert_true(done > seen->done && done <= total);
	seen->done = done;
	seen->total = total;
	return !seen->stop;
}

static void test_reports_each_tensor(void **state)
{
	const struct file *file = *state;
	struct seen seen = { 0 };
	const quire_verify_options options = { .threads = 3,
					       .progress = note_progress,
					       .damage = note_damage,
					       .context = &seen };
	quire_model *model = open_file(file, false);
	quire_error error;

	assert_int_equal(quire_model_verify(model, &options, &error), QUIRE_OK);
	assert_int_equal(seen.count, 0);
	assert_int_equal(seen.done, seen.total);
	file->bytes[quire_model_tensor(model, 0)->offset] ^= 1;
	file->bytes[quire_model_tensor(model, 2)->offset + 39] ^= 128;
	seen.done = 0;
	assert_int_equal(quire_model_verify(model, &options, &error),
			 QUIRE_ERROR_CHECKSUM);
	assert_int_equal(seen.count, 2);
	assert_memory_equal(seen.names[0], "w.weight", 8);
	assert_memory_equal(seen.names[1], "e", 2);
	assert_int_equal(error.offset, quire_model_tensor(model, 0)->offset);
	assert_non_null(strstr(error.message, "[F-33]"));
	quire_model_close(model);
}

static void test_cancels(void **state)
{
	struct seen seen = { .stop = true };
	const quire_verify_options options = { .progress = note_progress,
					       .context = &seen };
	quire_model *model = open_file(*state, false);

	assert_int_equal(quire_model_verify(model, &options, NULL),
			 QUIRE_ERROR_CANCELLED);
	quire_model_close(model);
}

/* Opening finds it, by the rule that it breaks or by the checksum. If an edited
 * header is allowed, the verifier reports it. */
static void check_header_flip(const struct file *file)
{
	const quire_open_options allow = { .allow_edited_header = true };
	quire_model *model;
	quire_error error;

	assert_int_not_equal(quire_model_open_memory(file->bytes, file->size,
						     NULL, &model, &error),
			     QUIRE_OK);
	if (error.status == QUIRE_ERROR_CHECKSUM)
		assert_non_null(strstr(error.message, "[F-31]"));
	if (quire_model_open_memory(file->bytes, file->size, &allow, &model,
				    &error) != QUIRE_OK)
		return;
	assert_int_equal(quire_model_verify(model, NULL, &error),
			 QUIRE_ERROR_CHECKSUM);
	quire_model_close(model);
}

static void check_data_flip(const struct file *file, size_t at)
{
	quire_model *model = open_file(file, false);
	quire_error error;
	quire_status expected = QUIRE_ERROR_LAYOUT;

	for (size_t i = 0; i < quire_model_tensor_count(model); i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		if (at >= tensor->offset && at < tensor->offset + tensor->size)
			expected = QUIRE_ERROR_CHECKSUM;
	}
	assert_int_equal(quire_model_verify(model, NULL, &error), expected);
	assert_non_null(strstr(error.message, expected == QUIRE_ERROR_LAYOUT
						  ? "[F-23]"
						  : "[F-33]"));
	if (expected == QUIRE_ERROR_LAYOUT)
		assert_int_equal(error.offset, at);
	quire_model_close(model);
}

static void test_finds_every_flipped_byte(void **state)
{
	const struct file *file = *state;
	quire_model *model = open_file(file, false);
	quire_model_info info;

	quire_model_describe(model, &info);
	quire_model_close(model);
	for (size_t at = 0; at < file->size; at++) {
		file->bytes[at] ^= (unsigned char)(1 << at % 8);
		if (at < info.data_offset)
			check_header_flip(file);
		else
			check_data_flip(file, at);
		file->bytes[at] ^= (unsigned char)(1 << at % 8);
	}
}

static void test_tells_an_edited_header(void **state)
{
	const struct file *file = *state;
	unsigned char *value = NULL;
	quire_model *model;
	quire_model_info info;
	quire_error error;

	/* "unknown", the default architecture, becomes "unknowm". */
	for (size_t i = 0; i + 7 < file->size && !value; i++)
		if (memcmp(file->bytes + i, "unknown", 7) == 0)
			value = file->bytes + i;
	assert_non_null(value);
	value[6] = 'm';
	assert_int_equal(quire_model_open_memory(file->bytes, file->size, NULL,
						 &model, &error),
			 QUIRE_ERROR_CHECKSUM);
	model = open_file(file, true);
	quire_model_describe(model, &info);
	assert_true(info.header_edited);
	assert_int_equal(quire_model_verify(model, NULL, &error),
			 QUIRE_ERROR_CHECKSUM);
	assert_non_null(strstr(error.message, "tensors are intact"));
	quire_model_close(model);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_reports_each_tensor),
		CASE(test_cancels),
		CASE(test_finds_every_flipped_byte),
		CASE(test_tells_an_edited_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
