/*
 * test_write_plain.c - the writer's plain mode, the order of metadata, many
 * keys, and tensors that are adopted from another file.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/sample.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

static quire_writer *begin(const struct folder *folder, bool plain,
			   uint32_t alignment)
{
	const quire_writer_options options = { .alignment = alignment,
					       .plain = plain };

	return writing_begin(folder->file, &options);
}

/* The header by the GGUF specification, written out byte by byte. */
static void test_every_byte(void **state)
{
	static const char expected[] =
	    "GGUF\3\0\0\0"
	    "\1\0\0\0\0\0\0\0"
	    "\1\0\0\0\0\0\0\0"
	    "\1\0\0\0\0\0\0\0k\4\0\0\0\7\0\0\0"
	    "\1\0\0\0\0\0\0\0t\1\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0"
	    "\0\0\0\0\0\0\0\0"
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* 74 to 96 */
	    "12345678\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, true, 0);
	unsigned char *bytes;
	size_t size;

	writing_set(writer, "k", 7);
	writing_declare_vector(writer, "t", 2);
	writing_put(writer, 0, "12345678", 8);
	writing_finish(writer);
	bytes = scratch_read(folder->file, &size);
	assert_int_equal(size, sizeof(expected)); /* with the last NUL */
	assert_memory_equal(bytes, expected, size);
	free(bytes);
}

static void test_alignment(void **state)
{
	static const uint32_t alignments[] = { 8, 32, 4096, 65536 };
	const struct folder *folder = *state;

	for (size_t i = 0; i < sizeof(alignments) / sizeof(*alignments); i++) {
		quire_writer *writer = begin(folder, true, alignments[i]);
		quire_model_info info;
		quire_model *model;

		writing_declare_vector(writer, "a", 1);
		writing_declare_vector(writer, "b", 1);
		quire_writer_write(writer, 0, "aaaa", 4, NULL);
		quire_writer_write(writer, 1, "bbbb", 4, NULL);
		writing_finish(writer);
		model = writing_open(folder->file);
		quire_model_describe(model, &info);
		assert_int_equal(info.quire_version, 0);
		assert_int_equal(info.alignment, alignments[i]);
		assert_int_equal(info.file_size % alignments[i], 0);
		assert_int_equal(quire_model_value_count(model),
				 alignments[i] != 32);
		assert_memory_equal(quire_model_tensor(model, 1)->data, "bbbb",
				    4);
		quire_model_close(model);
		unlink(folder->file);
	}
}

static void test_refuses_what_is_not_plain(void **state)
{
	const quire_linear_entry linear = { "fc", 0, QUIRE_NO_TENSOR, 2, 0 };
	const quire_writer_options bad = { .alignment = 4, .plain = true };
	const struct folder *folder = *state;
	quire_writer *writer;

	assert_int_equal(quire_writer_create(folder->file, &bad, &writer, NULL),
			 QUIRE_ERROR_ARGUMENT);
	writer = begin(folder, true, 0);
	writing_declare_vector(writer, "a", 2);
	assert_int_equal(
	    quire_writer_set_u32(writer, "quire.source.x", 1, NULL),
	    QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_writer_set_u32(writer, "quire.", 1, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
			 QUIRE_ERROR_ARGUMENT);
	quire_writer_free(writer);
}

static void check_keys(const char *path, const char *const *keys, size_t count)
{
	quire_model *model = writing_open(path);

	for (size_t i = 0; i < count; i++) {
		quire_string key;

		assert_non_null(quire_model_value(model, i, &key));
		assert_int_equal(key.size, strlen(keys[i]));
		assert_memory_equal(key.data, keys[i], key.size);
	}
	quire_model_close(model);
}

static void set_in_order(quire_writer *writer)
{
	writing_set(writer, "z", 1);
	writing_set(writer, "general.alignment", 64);
	assert_int_equal(quire_writer_set_string(writer, "general.architecture",
						 "test", NULL),
			 QUIRE_OK);
	writing_set(writer, "a", 2);
	writing_set(writer, "z", 3);
}

static void test_order_is_kept(void **state)
{
	static const char *const plain[] = { "z", "general.alignment",
					     "general.architecture", "a" };
	static const char *const container[] = { "general.architecture", "z",
						 "general.alignment", "a",
						 "quire.version" };
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, true, 64);

	set_in_order(writer);
	writing_finish(writer);
	check_keys(folder->file, plain, 4);
	unlink(folder->file);
	writer = begin(folder, false, 64);
	set_in_order(writer);
	assert_int_equal(
	    quire_writer_set_u32(writer, "general.alignment", 32, NULL),
	    QUIRE_ERROR_ARGUMENT);
	assert_int_equal(
	    quire_writer_set_u64(writer, "general.alignment", 64, NULL),
	    QUIRE_ERROR_ARGUMENT);
	writing_finish(writer);
	check_keys(folder->file, container, 5);
}

/* 100,000 keys, each set twice, take linear time. Comparing each with all
 * earlier ones took minutes. */
static void test_many_keys(void **state)
{
	enum {
		count = 100000
	};
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, false, 0);
	quire_model *model;
	char key[32];

	for (uint32_t i = 0; i < 2 * count; i++) {
		snprintf(key, sizeof(key), "a.long.enough.key.%u", i % count);
		writing_set(writer, key, i);
	}
	writing_finish(writer);
	model = writing_open(folder->file);
	for (uint32_t i = 0; i < count; i += 999) {
		snprintf(key, sizeof(key), "a.long.enough.key.%u", i);
		assert_int_equal(quire_model_find_value(model, key)->as.u,
				 i + count);
	}
	quire_model_close(model);
}

/* A NUL in a source's name is a part of the name. */
static void test_source_with_nul(void **state)
{
	static const char source[] = { 'a', '\0', 'b' };
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, false, 0);
	quire_tensor tensor = { .name = { "t", 1 },
				.source = { source, 3 },
				.rank = 1,
				.shape = { 1 } };
	quire_model *model;

	writing_declare(writer, &tensor);
	writing_put(writer, 0, "1234", 4);
	writing_finish(writer);
	model = writing_open(folder->file);
	assert_int_equal(quire_model_tensor(model, 0)->source.size, 3);
	assert_memory_equal(quire_model_tensor(model, 0)->source.data, source,
			    3);
	quire_model_close(model);
}

/* ---------------------------------------------------------------- adoption */

static void declare_all(quire_writer *writer, const quire_model *model)
{
	for (size_t i = 0; i < quire_model_tensor_count(model); i++)
		writing_declare(writer, quire_model_tensor(model, i));
}

static quire_status adopt(quire_writer *writer, const char *path,
			  quire_progress_fn progress, void *context,
			  quire_error *error)
{
	const int file = open(path, O_RDONLY);
	quire_status status;

	assert_true(file >= 0);
	status = quire_writer_adopt(writer, file, progress, context, error);
	close(file);
	return status;
}

static void check_same_tensors(const quire_model *a, const quire_model *b)
{
	const size_t count = quire_model_tensor_count(a);

	assert_true(count > 0);
	assert_int_equal(quire_model_tensor_count(b), count);
	for (size_t i = 0; i < count; i++) {
		const quire_tensor *x = quire_model_tensor(a, i);
		const quire_tensor *y = quire_model_tensor(b, i);

		assert_int_equal(x->size, y->size);
		assert_memory_equal(x->data, y->data, x->size);
		assert_true(!y->has_xxh3 || x->xxh3 == y->xxh3);
	}
}

static bool note_progress(void *context, uint64_t done, uint64_t total)
{
	uint64_t *last = context;

	assert_true(done > *last && done <= total);
	*last = done;
	return true;
}

static bool cancel(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	return false;
}

/* To the same offsets, to others, and into a plain file. */
static void test_adopts(void **state)
{
	static const uint32_t alignments[] = { 64, 4096, 32 };
	const struct folder *folder = *state;
	quire_model *model, *made;

	sample_write(folder->other);
	model = writing_open(folder->other);
	for (size_t i = 0; i < 6; i++) {
		const bool plain = i >= 3;
		quire_writer *writer = begin(folder, plain, alignments[i % 3]);
		uint64_t done = 0;

		declare_all(writer, model);
		assert_int_equal(
		    adopt(writer, folder->other, note_progress, &done, NULL),
		    QUIRE_OK);
		assert_true(done > 0);
		writing_finish(writer);
		made = writing_open(folder->file);
		check_same_tensors(model, made);
		assert_int_equal(quire_model_verify(made, NULL, NULL),
				 plain ? QUIRE_ERROR_NOT_FOUND : QUIRE_OK);
		quire_model_close(made);
		unlink(folder->file);
	}
	quire_model_close(model);
}

static void test_adoption_keeps_damage(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, false, 0);
	quire_model *model;
	uint64_t offset;

	sample_write(folder->other);
	model = writing_open(folder->other);
	declare_all(writer, model);
	offset = quire_model_tensor(model, 1)->offset;
	quire_model_close(model);
	scratch_flip(folder->other, (size_t)offset, 1);
	assert_int_equal(adopt(writer, folder->other, NULL, NULL, NULL),
			 QUIRE_OK);
	writing_finish(writer);
	model = writing_open(folder->file);
	assert_int_equal(quire_model_verify(model, NULL, NULL),
			 QUIRE_ERROR_CHECKSUM);
	quire_model_close(model);
}

static void test_adoption_refused(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, false, 0);
	quire_error error = { .message = "" };
	quire_model *model;

	sample_write(folder->other);
	writing_declare_vector(writer, "a", 2);
	assert_int_equal(adopt(writer, folder->other, NULL, NULL, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "without a checksum"));
	quire_writer_free(writer);

	writer = begin(folder, true, 0);
	writing_declare_vector(writer, "a", 2);
	writing_put(writer, 0, "1234", 4);
	assert_int_equal(adopt(writer, folder->other, NULL, NULL, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "has bytes already"));
	quire_writer_free(writer);

	model = writing_open(folder->other);
	writer = begin(folder, false, 0);
	declare_all(writer, model);
	assert_int_equal(adopt(writer, folder->other, cancel, NULL, &error),
			 QUIRE_ERROR_CANCELLED);
	quire_writer_free(writer);

	writer = begin(folder, false, 0);
	declare_all(writer, model);
	quire_model_close(model);
	scratch_write(folder->other, "short", 5);
	assert_int_equal(adopt(writer, folder->other, NULL, NULL, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_int_equal(quire_writer_finish(writer, NULL),
			 QUIRE_ERROR_ARGUMENT);
	quire_writer_free(writer);
	assert_int_equal(scratch_count(folder->path), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_every_byte),
		FOLDER_TEST(test_alignment),
		FOLDER_TEST(test_refuses_what_is_not_plain),
		FOLDER_TEST(test_order_is_kept),
		FOLDER_TEST(test_many_keys),
		FOLDER_TEST(test_source_with_nul),
		FOLDER_TEST(test_adopts),
		FOLDER_TEST(test_adoption_keeps_damage),
		FOLDER_TEST(test_adoption_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
