/*
 * test_write.c - the writer: the calls that it refuses, the files that it
 * leaves, and that the same calls give the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/folder.h"
#include "tests/support/sample.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

static quire_writer *begin(const struct folder *folder, bool overwrite)
{
	const quire_writer_options options = { .alignment = 32,
					       .overwrite = overwrite };

	return writing_begin(folder->file, &options);
}

static void test_same_calls_same_bytes(void **state)
{
	const struct folder *folder = *state;
	unsigned char *a, *b;
	size_t a_size, b_size;

	sample_write(folder->file);
	sample_write(folder->other);
	a = scratch_read(folder->file, &a_size);
	b = scratch_read(folder->other, &b_size);
	assert_int_equal(a_size, b_size);
	assert_memory_equal(a, b, a_size);
	assert_int_equal(a_size % 64, 0);
	assert_int_equal(scratch_count(folder->path), 2);
	free(a);
	free(b);
}

static void test_pieces_in_any_order_of_tensors(void **state)
{
	const struct folder *folder = *state;
	static const float ones[6] = { 1, 2, 3, 4, 5, 6 };
	quire_writer *writer = begin(folder, false);
	quire_model *model;

	writing_declare_vector(writer, "a", 2);
	writing_declare_vector(writer, "b", 6);
	writing_put(writer, 1, ones, 4);
	writing_put(writer, 0, ones, 8);
	writing_put(writer, 1, ones + 1, 20);
	writing_finish(writer);
	model = writing_open(folder->file);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	assert_memory_equal(quire_model_find_tensor(model, "b")->data, ones,
			    sizeof(ones));
	quire_model_close(model);
}

static void test_no_tensors(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, false);
	quire_model *model;

	writing_finish(writer);
	model = writing_open(folder->file);
	assert_int_equal(quire_model_tensor_count(model), 0);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	quire_model_close(model);
}

static void test_free_discards(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, false);
	quire_error error;

	assert_int_equal(scratch_count(folder->path), 1);
	writing_declare_vector(writer, "a", 2);
	writing_put(writer, 0, "1234", 4);
	assert_int_equal(quire_writer_finish(writer, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_non_null(
	    strstr(error.message, "'a' does not have all its bytes"));
	quire_writer_free(writer);
	assert_int_equal(scratch_count(folder->path), 0);
}

static void test_keeps_the_old_file(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer;
	unsigned char *bytes;
	quire_error error;
	size_t size;

	scratch_write(folder->file, "old", 3);
	assert_int_equal(
	    quire_writer_create(folder->file, NULL, &writer, &error),
	    QUIRE_ERROR_EXISTS);
	assert_string_equal(error.path, folder->file);
	assert_non_null(strstr(error.message, "the file exists"));
	writer = begin(folder, true);
	quire_writer_free(writer);
	bytes = scratch_read(folder->file, &size);
	assert_int_equal(size, 3);
	free(bytes);
	writer = begin(folder, true);
	writing_finish(writer);
	bytes = scratch_read(folder->file, &size);
	assert_memory_equal(bytes, "GGUF", 4);
	free(bytes);
	assert_int_equal(scratch_count(folder->path), 1);
}

/* A file that appears while ours is written is not replaced without
 * `overwrite`. */
static void test_loses_no_race(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, false);
	unsigned char *bytes;
	size_t size;

	scratch_write(folder->file, "other", 5);
	assert_int_equal(quire_writer_finish(writer, NULL), QUIRE_ERROR_EXISTS);
	quire_writer_free(writer);
	bytes = scratch_read(folder->file, &size);
	assert_int_equal(size, 5);
	free(bytes);
	assert_int_equal(scratch_count(folder->path), 1);
}

static void test_takes_over_a_leftover(void **state)
{
	const struct folder *folder = *state;
	char *part = scratch_path(folder->path, "model.gguf.quire-part");
	quire_writer *writer, *second;
	quire_error error;

	scratch_write(part, "left by a killed process", 24);
	writer = begin(folder, false);
	assert_int_equal(
	    quire_writer_create(folder->file, NULL, &second, &error),
	    QUIRE_ERROR_IO);
	assert_non_null(strstr(error.message, "another process"));
	writing_finish(writer);
	assert_int_equal(scratch_count(folder->path), 1);
	free(part);
}

static void refuse_key(quire_writer *writer, const char *key)
{
	assert_int_equal(quire_writer_set_u32(writer, key, 1, NULL),
			 QUIRE_ERROR_ARGUMENT);
}

static void test_refuses_derived_keys(void **state)
{
	quire_writer *writer = begin(*state, false);

	refuse_key(writer, "general.alignment");
	refuse_key(writer, "quire.version");
	refuse_key(writer, "quire.header.xxh3");
	refuse_key(writer, "quire.padding");
	refuse_key(writer, "quire.linear.k");
	assert_int_equal(
	    quire_writer_set_u64(writer, "quire.source.xxh3", 1, NULL),
	    QUIRE_OK);
	quire_writer_free(writer);
}

static void test_refuses_bad_arrays(void **state)
{
	quire_writer *writer = begin(*state, false);
	static const unsigned char text[] = { 9, 0, 0, 0, 0, 0, 0, 0, 'a' };
	quire_value value = { .type = QUIRE_VALUE_ARRAY };

	value.as.a = (quire_array){ QUIRE_VALUE_U32, 2, text, 9 };
	assert_int_equal(quire_writer_set_value(writer, "a", &value, NULL),
			 QUIRE_ERROR_ARGUMENT);
	value.as.a = (quire_array){ QUIRE_VALUE_STRING, 1, text, 9 };
	assert_int_equal(quire_writer_set_value(writer, "a", &value, NULL),
			 QUIRE_ERROR_ARGUMENT);
	value.as.a = (quire_array){ QUIRE_VALUE_ARRAY, 1, text, 9 };
	assert_int_equal(quire_writer_set_value(writer, "a", &value, NULL),
			 QUIRE_ERROR_ARGUMENT);
	quire_writer_free(writer);
}

/* The layout refuses what the parser would refuse, by the same rule. */
static void refuse_at_layout(quire_writer *writer, const char *rule)
{
	quire_error error = { 0 };

	assert_int_equal(quire_writer_write(writer, 0, NULL, 0, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, rule));
	assert_int_equal(error.status, QUIRE_ERROR_ARGUMENT);
	quire_writer_free(writer);
}

static void test_layout_keeps_the_rules(void **state)
{
	const quire_linear_entry linear = { "fc", 0, QUIRE_NO_TENSOR, 2, 0 };
	quire_writer *writer = begin(*state, false);

	writing_declare_vector(writer, "a", 2);
	writing_declare_vector(writer, "a", 2);
	refuse_at_layout(writer, "[F-13]");
	writer = begin(*state, false);
	writing_declare_vector(writer, "", 2);
	refuse_at_layout(writer, "[F-12]");
	writer = begin(*state, false);
	writing_set(writer, "a key", 1);
	refuse_at_layout(writer, "[F-6]");
	writer = begin(*state, false);
	writing_declare_vector(writer, "a", 2);
	assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
			 QUIRE_OK);
	refuse_at_layout(writer, "[F-37]");
}

static void test_refuses_bad_tensors(void **state)
{
	quire_writer *writer = begin(*state, false);
	quire_tensor tensor = writing_vector("a", 0);

	assert_int_equal(quire_writer_add_tensor(writer, &tensor, NULL),
			 QUIRE_ERROR_ARGUMENT);
	tensor.shape[0] = UINT64_MAX;
	assert_int_equal(quire_writer_add_tensor(writer, &tensor, NULL),
			 QUIRE_ERROR_ARGUMENT);
	tensor.shape[0] = 33;
	tensor.dtype = QUIRE_Q4_0;
	assert_int_equal(quire_writer_add_tensor(writer, &tensor, NULL),
			 QUIRE_ERROR_ARGUMENT);
	tensor = writing_vector("a", 1);
	tensor.rank = 5;
	assert_int_equal(quire_writer_add_tensor(writer, &tensor, NULL),
			 QUIRE_ERROR_ARGUMENT);
	tensor = writing_vector("a", 1);
	tensor.name.size = 2; /* with the NUL */
	assert_int_equal(quire_writer_add_tensor(writer, &tensor, NULL),
			 QUIRE_ERROR_ARGUMENT);
	quire_writer_free(writer);
}

static void test_refuses_calls_out_of_order(void **state)
{
	const quire_tensor late = writing_vector("late", 1);
	const quire_linear_entry linear = { "fc", 7, QUIRE_NO_TENSOR, 2, 0 };
	quire_writer *writer = begin(*state, false);

	writing_declare_vector(writer, "a", 2);
	assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
			 QUIRE_ERROR_ARGUMENT);
	writing_put(writer, 0, "12345678", 8);
	assert_int_equal(quire_writer_write(writer, 0, "9", 1, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_writer_write(writer, 1, "9", 1, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_writer_add_tensor(writer, &late, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_writer_set_u32(writer, "k", 1, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
			 QUIRE_ERROR_ARGUMENT);
	quire_writer_free(writer);
}

static void test_refuses_bad_alignments(void **state)
{
	const struct folder *folder = *state;
	static const uint32_t bad[] = { 1, 16, 33, 131072 };
	quire_writer *writer;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const quire_writer_options options = { .alignment = bad[i] };

		assert_int_equal(
		    quire_writer_create(folder->file, &options, &writer, NULL),
		    QUIRE_ERROR_ARGUMENT);
	}
	assert_int_equal(scratch_count(folder->path), 0);
}

static void test_setting_again_replaces(void **state)
{
	const struct folder *folder = *state;
	quire_writer *writer = begin(folder, false);
	const quire_value *value;
	quire_model *model;

	assert_int_equal(quire_writer_set_string(writer, "k", "old", NULL),
			 QUIRE_OK);
	writing_set(writer, "k", 7);
	writing_finish(writer);
	model = writing_open(folder->file);
	value = quire_model_find_value(model, "k");
	assert_non_null(value);
	assert_int_equal(value->type, QUIRE_VALUE_U32);
	assert_int_equal(value->as.u, 7);
	quire_model_close(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_same_calls_same_bytes),
		FOLDER_TEST(test_pieces_in_any_order_of_tensors),
		FOLDER_TEST(test_no_tensors),
		FOLDER_TEST(test_free_discards),
		FOLDER_TEST(test_keeps_the_old_file),
		FOLDER_TEST(test_loses_no_race),
		FOLDER_TEST(test_takes_over_a_leftover),
		FOLDER_TEST(test_refuses_derived_keys),
		FOLDER_TEST(test_refuses_bad_arrays),
		FOLDER_TEST(test_layout_keeps_the_rules),
		FOLDER_TEST(test_refuses_bad_tensors),
		FOLDER_TEST(test_refuses_calls_out_of_order),
		FOLDER_TEST(test_refuses_bad_alignments),
		FOLDER_TEST(test_setting_again_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
