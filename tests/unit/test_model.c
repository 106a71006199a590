/*
 * test_model.c - opening and looking up: the content of the sample container,
 * from a file and from memory; and files that are no containers.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/scratch.h"

struct sample {
	char *folder;
	char *path;
	quire_model *model;
};

static int set_up(void **state)
{
	struct sample *sample = malloc(sizeof(*sample));

	sample->folder = scratch_make();
	sample->path = scratch_path(sample->folder, "sample.gguf");
	sample_write(sample->path);
	assert_int_equal(
	    quire_model_open(sample->path, NULL, &sample->model, NULL),
	    QUIRE_OK);
	*state = sample;
	return 0;
}

static int tear_down(void **state)
{
	struct sample *sample = *state;

	quire_model_close(sample->model);
	free(sample->path);
	scratch_remove(sample->folder);
	free(sample);
	return 0;
}

static void check_string(quire_string string, const char *expected)
{
	assert_int_equal(string.size, strlen(expected));
	assert_memory_equal(string.data, expected, string.size);
}

static void test_describes(void **state)
{
	const struct sample *sample = *state;
	quire_model_info info;

	quire_model_describe(sample->model, &info);
	assert_int_equal(info.gguf_version, 3);
	assert_int_equal(info.quire_version, 1);
	assert_int_equal(info.alignment, 64);
	assert_int_equal(info.data_offset % 64, 0);
	assert_int_equal(info.file_size, info.data_offset + 128 + 64 + 64);
	assert_false(info.header_edited);
}

static void test_finds_tensors(void **state)
{
	const struct sample *sample = *state;
	const quire_tensor *w =
	    quire_model_find_tensor(sample->model, "w.weight");
	const quire_tensor *e = quire_model_find_tensor(sample->model, "e");

	assert_int_equal(quire_model_tensor_count(sample->model), 3);
	assert_ptr_equal(w, quire_model_tensor(sample->model, 0));
	assert_ptr_equal(e, quire_model_tensor(sample->model, 2));
	assert_null(quire_model_tensor(sample->model, 3));
	assert_null(quire_model_find_tensor(sample->model, "w.weigh"));
	assert_null(quire_model_find_tensor(sample->model, ""));
	check_string(w->name, "w.weight");
	check_string(w->source, "w_Q4");
	check_string(e->source, "");
	assert_int_equal(w->dtype, QUIRE_Q4_0);
	assert_int_equal(w->size, 2 * SAMPLE_N * 18);
	assert_int_equal((uintptr_t)w->data % 64, 0);
	assert_true(w->has_xxh3);
	assert_int_equal(w->xxh3, quire_tensor_hash(w));
	assert_int_equal(e->rank, 3);
	assert_int_equal(e->shape[0], 5);
	assert_int_equal(e->shape[2], 2);
	assert_int_equal(e->shape[3], 1);
}

static void test_finds_linears(void **state)
{
	const struct sample *sample = *state;
	const quire_linear *fc = quire_model_find_linear(sample->model, "fc");

	assert_int_equal(quire_model_linear_count(sample->model), 1);
	assert_ptr_equal(fc, quire_model_linear(sample->model, 0));
	assert_null(quire_model_linear(sample->model, 1));
	assert_null(quire_model_find_linear(sample->model, "f"));
	assert_ptr_equal(fc->weight, quire_model_tensor(sample->model, 0));
	assert_ptr_equal(fc->bias, quire_model_tensor(sample->model, 1));
	assert_int_equal(fc->k, SAMPLE_K);
	assert_int_equal(fc->n, SAMPLE_N);
	assert_int_equal(fc->accuracy_level, 4);
}

static const quire_value *value_of(const quire_model *model, char letter)
{
	char key[] = "test.?";

	key[5] = letter;
	return quire_model_find_value(model, key);
}

static void test_values_come_back(void **state)
{
	const quire_model *model = ((const struct sample *)*state)->model;
	static const uint64_t u[] = { 255, 65535, UINT32_MAX, UINT64_MAX };
	static const int64_t i[] = { -128, -32768, INT32_MIN, INT64_MIN };
	static const char u_keys[] = "ace", i_keys[] = "bdfj";

	for (int n = 0; n < 3; n++)
		assert_true(value_of(model, u_keys[n])->as.u == u[n]);
	assert_true(value_of(model, 'i')->as.u == u[3]);
	for (int n = 0; n < 4; n++)
		assert_true(value_of(model, i_keys[n])->as.i == i[n]);
	assert_true(value_of(model, 'g')->as.f == 0.5);
	assert_true(value_of(model, 'h')->as.b);
	assert_true(value_of(model, 'k')->as.f == 1e300);
	assert_null(value_of(model, 'z'));
}

static void test_arrays_are_walked(void **state)
{
	const quire_model *model = ((const struct sample *)*state)->model;
	quire_array rest = value_of(model, 'l')->as.a;
	quire_value element;
	int64_t sum = 0;

	while (quire_array_next(&rest, &element))
		sum = 10 * sum + element.as.i;
	assert_int_equal(sum, -100 + 20 - 3);
	rest = value_of(model, 'm')->as.a;
	assert_true(quire_array_next(&rest, &element));
	check_string(element.as.s, "ab");
	assert_true(quire_array_next(&rest, &element));
	check_string(element.as.s, "");
	assert_false(quire_array_next(&rest, &element));
	assert_int_equal(rest.size, 0);
}

/* Memory that is changed after the parser saw it: the sizes of strings are
 * compared with what is left of the array. */
static void test_arrays_that_changed_end(void **state)
{
	static const uint64_t sizes[] = { 3, 9, UINT64_MAX - 8, UINT64_MAX };
	unsigned char bytes[] = "\2\0\0\0\0\0\0\0ab\0\0\0\0\0\0\0";
	quire_array array = { QUIRE_VALUE_STRING, 2, bytes, sizeof(bytes) };
	quire_array rest = array;
	quire_value element;

	(void)state;
	assert_int_equal(sizeof(bytes), 18);
	assert_true(quire_array_next(&rest, &element));
	assert_true(quire_array_next(&rest, &element));
	assert_false(quire_array_next(&rest, &element));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		store_u64(bytes, sizes[i] == 3 ? 2 : sizes[i]);
		if (sizes[i] == 3)
			store_u64(bytes + 10, sizes[i]);
		rest = array;
		assert_int_equal(quire_array_next(&rest, &element),
				 sizes[i] == 3 || sizes[i] == 9);
		assert_false(quire_array_next(&rest, &element));
		assert_int_equal(rest.count, 0);
		assert_false(quire_array_next(&rest, &element));
	}
}

static void test_keys_are_in_order(void **state)
{
	const quire_model *model = ((const struct sample *)*state)->model;
	const size_t count = quire_model_value_count(model);
	quire_string key;

	assert_non_null(quire_model_value(model, 0, &key));
	check_string(key, "general.architecture");
	assert_non_null(quire_model_value(model, count - 1, &key));
	check_string(key, "quire.padding");
	assert_null(quire_model_value(model, count, &key));
}

static void test_opens_memory_at_any_address(void **state)
{
	const struct sample *sample = *state;
	size_t size;
	unsigned char *bytes = scratch_read(sample->path, &size);
	unsigned char *moved = malloc(size + 1);
	quire_model *model;

	memcpy(moved + 1, bytes, size);
	assert_int_equal(
	    quire_model_open_memory(moved + 1, size, NULL, &model, NULL),
	    QUIRE_OK);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	quire_model_close(model);
	free(bytes);
	free(moved);
}

static void test_decodes(void **state)
{
	const struct sample *sample = *state;
	const quire_tensor *w = quire_model_tensor(sample->model, 0);
	const quire_tensor *e = quire_model_tensor(sample->model, 2);
	float y[SAMPLE_N * SAMPLE_K];

	assert_int_equal(quire_tensor_decode(w, 0, SAMPLE_N, SAMPLE_K, y, NULL),
			 QUIRE_OK);
	/* The bytes are 0, 7, 14 and so on: block 0 has d = 0x0700 and codes
	 * from byte 2 on, which is 14: low nibble 14, high nibble 0. */
	assert_true(y[0] == 6 * 0x1.cp-14f);
	assert_true(y[16] == -8 * 0x1.cp-14f);
	assert_int_equal(quire_tensor_decode(w, 1, SAMPLE_N, 1, y, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_tensor_decode(w, 0, 1, 65, y, NULL),
			 QUIRE_ERROR_ARGUMENT);
	assert_int_equal(quire_tensor_decode(e, 3, 1, 5, y, NULL), QUIRE_OK);
	assert_int_equal(quire_tensor_decode(e, 4, 1, 5, y, NULL),
			 QUIRE_ERROR_ARGUMENT);
}

static void test_names_what_cannot_be_opened(void **state)
{
	const struct sample *sample = *state;
	char *path = scratch_path(sample->folder, "missing");
	quire_model *model = NULL;
	quire_error error;

	assert_int_equal(quire_model_open(path, NULL, &model, &error),
			 QUIRE_ERROR_IO);
	assert_string_equal(error.path, path);
	assert_int_equal(quire_model_open(sample->folder, NULL, &model, &error),
			 QUIRE_ERROR_IO);
	scratch_write(path, "", 0);
	assert_int_equal(quire_model_open(path, NULL, &model, &error),
			 QUIRE_ERROR_TRUNCATED);
	scratch_write(path, "GGML....", 8);
	assert_int_equal(quire_model_open(path, NULL, &model, &error),
			 QUIRE_ERROR_MAGIC);
	assert_string_equal(error.path, path);
	assert_int_equal(mkfifo(path, 0600), -1);
	assert_null(model);
	free(path);
}

static void test_every_prefix_is_refused(void **state)
{
	const struct sample *sample = *state;
	size_t size;
	unsigned char *bytes = scratch_read(sample->path, &size);

	for (size_t cut = 0; cut < size; cut++) {
		unsigned char *prefix = malloc(cut ? cut : 1);
		quire_model *model;
		quire_error error;

		memcpy(prefix, bytes, cut);
		assert_int_not_equal(
		    quire_model_open_memory(prefix, cut, NULL, &model, &error),
		    QUIRE_OK);
		assert_int_not_equal(error.status, QUIRE_OK);
		free(prefix);
	}
	free(bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_describes),
		CASE(test_finds_tensors),
		CASE(test_finds_linears),
		CASE(test_values_come_back),
		CASE(test_arrays_are_walked),
		CASE(test_arrays_that_changed_end),
		CASE(test_keys_are_in_order),
		CASE(test_opens_memory_at_any_address),
		CASE(test_decodes),
		CASE(test_names_what_cannot_be_opened),
		CASE(test_every_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
