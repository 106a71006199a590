/*
 * test_write_set.c - the writer of split sets: which tensors go into which
 * part, what is refused, and what the next writer does with the files of a
 * killed one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

#define ALIGNMENT 32

/* Makes four parts: t0; t1; t2; the other tensors. */
#define SPLIT_SIZE 4400

/* Floats of each tensor. Only the third is larger than every split size
 * used. */
static const size_t counts[] = { 512, 512, 4096, 256, 256, 256 };
#define TENSOR_COUNT (sizeof(counts) / sizeof(counts[0]))
#define LARGEST	     4096

static void put(const struct folder *folder, const char *name, const char *text)
{
	char *path = scratch_path(folder->path, name);

	scratch_write(path, text, strlen(text));
	free(path);
}

static void link_as(const struct folder *folder, const char *from,
		    const char *to)
{
	char *old = scratch_path(folder->path, from);
	char *new = scratch_path(folder->path, to);

	assert_int_equal(link(old, new), 0);
	free(old);
	free(new);
}

static bool holds(const struct folder *folder, const char *name,
		  const char *text)
{
	char *path = scratch_path(folder->path, name);
	size_t size;
	unsigned char *bytes = scratch_read(path, &size);
	const bool same =
	    size == strlen(text) && memcmp(bytes, text, size) == 0;

	free(bytes);
	free(path);
	return same;
}

/* Tensors t0, t1 ... of f32, the linear "fc" over t1 and t5, and a value. */
static void declare(quire_writer *writer)
{
	const quire_linear_entry linear = { "fc", 1, TENSOR_COUNT - 1, 2, 0 };

	writing_set(writer, "test.a", 7);
	for (size_t i = 0; i < TENSOR_COUNT; i++) {
		const char name[] = { 't', (char)('0' + i), '\0' };
		quire_tensor tensor = { .name = { name, 2 },
					.rank = i == 1 ? 2 : 1,
					.shape = { counts[i] } };

		if (i == 1) {
			tensor.shape[1] = tensor.shape[0] / 2;
			tensor.shape[0] = 2;
		}
		writing_declare(writer, &tensor);
	}
	assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
			 QUIRE_OK);
}

static quire_writer *begin(const struct folder *folder, uint64_t split_size,
			   bool overwrite)
{
	const quire_writer_options options = { .alignment = ALIGNMENT,
					       .overwrite = overwrite,
					       .split_size = split_size };

	return writing_begin(folder->file, &options);
}

static void write_all(quire_writer *writer)
{
	float floats[LARGEST];

	for (size_t i = TENSOR_COUNT; i-- > 0;) {
		for (size_t k = 0; k < counts[i]; k++)
			floats[k] = (float)(1000 * i + k);
		writing_put(writer, i, floats, 4 * counts[i]);
	}
}

static quire_status write_set(const struct folder *folder, uint64_t split_size,
			      bool overwrite, quire_error *error)
{
	quire_writer *writer = begin(folder, split_size, overwrite);
	quire_status status;

	declare(writer);
	status = quire_writer_write(writer, 0, NULL, 0, error);
	if (status == QUIRE_OK) {
		write_all(writer);
		status = quire_writer_finish(writer, error);
	}
	quire_writer_free(writer);
	return status;
}

static void check_set(const struct folder *folder, const char *name)
{
	char *path = scratch_path(folder->path, name);
	quire_model *model = writing_open(path);
	const quire_linear *linear;

	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	assert_int_equal(quire_model_tensor_count(model), TENSOR_COUNT);
	for (size_t i = 0; i < TENSOR_COUNT; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);
		const float *floats = tensor->data;

		assert_int_equal(tensor->size, 4 * counts[i]);
		assert_true(floats[0] == (float)(1000 * i));
		assert_true(floats[counts[i] - 1] ==
			    (float)(1000 * i + counts[i] - 1));
	}
	linear = quire_model_find_linear(model, "fc");
	assert_ptr_equal(linear->weight, quire_model_tensor(model, 1));
	assert_ptr_equal(linear->bias,
			 quire_model_tensor(model, TENSOR_COUNT - 1));
	assert_non_null(quire_model_find_value(model, "test.a"));
	quire_model_close(model);
	free(path);
}

/* Only a part of a single tensor may be larger than the split size, and no part
 * has room for the first tensor of the next one. */
static void check_sizes(const struct folder *folder, const char *name,
			uint64_t split_size)
{
	char *path = scratch_path(folder->path, name);
	quire_model *model = writing_open(path);
	quire_part part, next;

	for (size_t i = 0; quire_model_part(model, i, &part); i++) {
		assert_true(part.tensor_count > 0);
		if (part.tensor_count > 1)
			assert_true(part.file_size <= split_size);
		if (quire_model_part(model, i + 1, &next))
			assert_true(
			    part.file_size +
				quire_model_tensor(model, next.first_tensor)
				    ->size >
			    split_size - 64); /* of its info and checksum */
	}
	quire_model_close(model);
	free(path);
}

static void test_parts(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, SPLIT_SIZE, false);
	quire_part part;

	assert_int_equal(quire_writer_part_count(writer), 0);
	declare(writer);
	write_all(writer);
	assert_int_equal(quire_writer_part_count(writer), 4);
	assert_true(quire_writer_part(writer, 2, &part));
	assert_string_equal(strrchr(part.path, '/'),
			    "/model-00003-of-00004.gguf");
	assert_int_equal(part.first_tensor, 2);
	assert_int_equal(part.tensor_count, 1);
	assert_false(quire_writer_part(writer, 4, &part));
	writing_finish(writer);
	assert_int_equal(scratch_count(folder->path), 4);
	check_set(folder, "model-00001-of-00004.gguf");
	check_set(folder, "model-00004-of-00004.gguf");
	check_sizes(folder, "model-00002-of-00004.gguf", SPLIT_SIZE);
}

/* Each split size: one tensor in a part, all tensors in one, and between. */
static void test_every_size(void **state)
{
	const struct folder *folder = *state;
	char name[32];

	for (uint64_t size = 2048; size <= 32768; size += 513) {
		quire_writer *writer = begin(folder, size, false);
		size_t count;

		declare(writer);
		write_all(writer);
		count = quire_writer_part_count(writer);
		writing_finish(writer);
		assert_int_equal(scratch_count(folder->path), count);
		snprintf(name, sizeof(name), "model-00001-of-%05zu.gguf",
			 count);
		check_set(folder, count == 1 ? "model.gguf" : name);
		check_sizes(folder, count == 1 ? "model.gguf" : name, size);
		for (size_t no = 1; no <= count; no++) {
			char *path;

			snprintf(name, sizeof(name),
				 "model-%05zu-of-%05zu.gguf", no, count);
			path = scratch_path(folder->path,
					    count == 1 ? "model.gguf" : name);
			assert_int_equal(unlink(path), 0);
			free(path);
		}
	}
}

static void check_refused(const struct folder *folder, quire_writer *writer,
			  const char *message)
{
	quire_error error;

	assert_int_equal(quire_writer_write(writer, 0, NULL, 0, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, message));
	quire_writer_free(writer);
	assert_int_equal(scratch_count(folder->path), 0);
}

static void test_refused(void **state)
{
	const struct folder *folder = *state;
	const quire_value one = { .type = QUIRE_VALUE_U16, .as.u = 1 };
	quire_writer *writer = begin(folder, 1, false);

	assert_int_equal(
	    quire_writer_set_value(writer, "split.count", &one, NULL),
	    QUIRE_ERROR_ARGUMENT);
	declare(writer);
	check_refused(folder, writer, "first part's header");
}

/* More parts than a u16 can number. Their checksums alone take 560,000
 * bytes. */
static void test_too_many(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, 600000, false);
	quire_tensor tensor = { .rank = 1, .shape = { 600000 } };
	char name[24];

	for (int i = 0; i < 70000; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		tensor.name.data = name;
		tensor.name.size = strlen(name);
		writing_declare(writer, &tensor);
	}
	check_refused(folder, writer, "70000 parts");
}

static void test_old_part_stays(void **state)
{
	const struct folder *folder = *state;
	quire_error error;

	put(folder, "model-00003-of-00004.gguf", "old");
	assert_int_equal(write_set(folder, SPLIT_SIZE, false, &error),
			 QUIRE_ERROR_EXISTS);
	assert_non_null(strstr(error.path, "model-00003-of-00004.gguf"));
	assert_int_equal(scratch_count(folder->path), 1);
	assert_true(holds(folder, "model-00003-of-00004.gguf", "old"));
	assert_int_equal(write_set(folder, SPLIT_SIZE, true, &error), QUIRE_OK);
	assert_int_equal(scratch_count(folder->path), 4);
	check_set(folder, "model-00001-of-00004.gguf");
}

/* A writer of two parts was killed before it placed any file. The next one
 * writes four parts, or one. */
static void test_leftover_parts(void **state)
{
	const struct folder *folder = *state;

	for (int i = 0; i < 2; i++) {
		const uint64_t split_size = i == 0 ? SPLIT_SIZE : 0;

		put(folder, "model.gguf.quire-part", "");
		put(folder, "model-00001-of-00002.gguf.quire-part", "new");
		put(folder, "model-00002-of-00002.gguf.quire-part", "new");
		put(folder, "model-1-of-2.gguf.quire-part", "not ours");
		assert_int_equal(write_set(folder, split_size, false, NULL),
				 QUIRE_OK);
		assert_int_equal(scratch_count(folder->path), i == 0 ? 5 : 6);
	}
	check_set(folder, "model-00001-of-00004.gguf");
	check_set(folder, "model.gguf");
}

/* Killed while it moved old parts aside: they come back. */
static void test_leftover_old(void **state)
{
	const struct folder *folder = *state;

	put(folder, "model.gguf.quire-part", "");
	put(folder, "model-00001-of-00002.gguf.quire-part", "new 1");
	put(folder, "model-00002-of-00002.gguf.quire-part", "new 2");
	put(folder, "model-00001-of-00002.gguf.quire-old", "old 1");
	put(folder, "model-00002-of-00002.gguf", "old 2");
	assert_int_equal(write_set(folder, 0, false, NULL), QUIRE_OK);
	assert_true(holds(folder, "model-00001-of-00002.gguf", "old 1"));
	assert_true(holds(folder, "model-00002-of-00002.gguf", "old 2"));
	assert_int_equal(scratch_count(folder->path), 3);
}

/* Killed after it placed one of two files: that one is removed. */
static void test_leftover_placed(void **state)
{
	const struct folder *folder = *state;

	for (int had_old = 0; had_old < 2; had_old++) {
		put(folder, "model.gguf.quire-part", "");
		put(folder, "model-00001-of-00002.gguf.quire-part", "new 1");
		put(folder, "model-00002-of-00002.gguf.quire-part", "new 2");
		link_as(folder, "model-00002-of-00002.gguf.quire-part",
			"model-00002-of-00002.gguf");
		if (had_old) {
			put(folder, "model-00001-of-00002.gguf.quire-old",
			    "old 1");
			put(folder, "model-00002-of-00002.gguf.quire-old",
			    "old 2");
		}
		assert_int_equal(write_set(folder, SPLIT_SIZE, had_old, NULL),
				 QUIRE_OK);
		assert_int_equal(scratch_count(folder->path), had_old ? 6 : 4);
	}
	assert_true(holds(folder, "model-00001-of-00002.gguf", "old 1"));
	assert_true(holds(folder, "model-00002-of-00002.gguf", "old 2"));
}

/* Killed when all files were placed: only its temporary files are removed. */
static void test_leftover_done(void **state)
{
	const struct folder *folder = *state;

	put(folder, "model.gguf.quire-part", "");
	put(folder, "model-00001-of-00002.gguf.quire-part", "new 1");
	link_as(folder, "model-00001-of-00002.gguf.quire-part",
		"model-00001-of-00002.gguf");
	put(folder, "model-00002-of-00002.gguf", "new 2");
	put(folder, "model-00001-of-00002.gguf.quire-old", "old 1");
	assert_int_equal(write_set(folder, 0, false, NULL), QUIRE_OK);
	assert_true(holds(folder, "model-00001-of-00002.gguf", "new 1"));
	assert_true(holds(folder, "model-00002-of-00002.gguf", "new 2"));
	assert_int_equal(scratch_count(folder->path), 3);
}

/* The files of a writer that still runs are kept, whatever their names. */
static void test_living_part(void **state)
{
	const struct folder *folder = *state;
	char *path = scratch_path(folder->path, "model-00001-of-00002.gguf");
	struct folder other = { .path = folder->path, .file = path };
	quire_writer *living = begin(&other, 0, false);

	put(folder, "model.gguf.quire-part", "");
	put(folder, "model-00002-of-00002.gguf.quire-part", "new 2");
	assert_int_equal(write_set(folder, SPLIT_SIZE, false, NULL), QUIRE_OK);
	assert_int_equal(scratch_count(folder->path), 5);
	declare(living);
	write_all(living);
	writing_finish(living);
	assert_int_equal(scratch_count(folder->path), 5);
	check_set(folder, "model-00001-of-00002.gguf");
	free(path);
}

static void test_two_writers(void **state)
{
	const struct folder *folder = *state;
	const quire_writer_options options = { .split_size = SPLIT_SIZE };
	quire_writer *first = begin(folder, SPLIT_SIZE, false);
	quire_writer *second;
	quire_error error;

	assert_int_equal(
	    quire_writer_create(folder->file, &options, &second, &error),
	    QUIRE_ERROR_IO);
	assert_non_null(strstr(error.message, "another process"));
	quire_writer_free(first);
}

static void test_foreign(void **state)
{
	const struct folder *folder = *state;
	const quire_writer_options options = { .plain = true,
					       .split_size = 4200 };
	char *path = scratch_path(folder->path, "model-00001-of-00004.gguf");
	quire_writer *writer;
	quire_model *model;
	quire_tensor tensor = { .rank = 1, .name = { "t0", 2 } };

	writer = writing_begin(folder->file, &options);
	for (size_t i = 0; i < TENSOR_COUNT; i++) {
		const char name[] = { 't', (char)('0' + i), '\0' };

		tensor.name.data = name;
		tensor.shape[0] = counts[i];
		writing_declare(writer, &tensor);
	}
	write_all(writer);
	writing_finish(writer);
	model = writing_open(path);
	assert_int_equal(quire_model_tensor_count(model), TENSOR_COUNT);
	assert_int_equal(quire_model_part_count(model), 4);
	quire_model_close(model);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_parts),
		FOLDER_TEST(test_every_size),
		FOLDER_TEST(test_refused),
		FOLDER_TEST(test_too_many),
		FOLDER_TEST(test_old_part_stays),
		FOLDER_TEST(test_leftover_parts),
		FOLDER_TEST(test_leftover_old),
		FOLDER_TEST(test_leftover_placed),
		FOLDER_TEST(test_leftover_done),
		FOLDER_TEST(test_living_part),
		FOLDER_TEST(test_two_writers),
		FOLDER_TEST(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
