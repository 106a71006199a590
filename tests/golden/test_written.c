/*
 * test_written.c - the writer makes the golden containers byte for byte: one
 * from the calls below, all from what the loader reads of them.
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

static void assert_same(const char *golden, const char *written)
{
	size_t golden_size, written_size;
	unsigned char *a = scratch_read(golden, &golden_size);
	unsigned char *b = scratch_read(written, &written_size);

	assert_int_equal(golden_size, written_size);
	assert_memory_equal(a, b, golden_size);
	free(a);
	free(b);
}

static void set(quire_writer *writer, const char *key, const quire_value *value)
{
	quire_error error = { .message = "" };

	if (quire_writer_set_value(writer, key, value, &error) != QUIRE_OK)
		fail_msg("%s", error.message);
}

/* ------------------------------------------------------------ calls spelt out
 */

static void set_string(quire_writer *writer, const char *key, const char *value)
{
	assert_int_equal(quire_writer_set_string(writer, key, value, NULL),
			 QUIRE_OK);
}

/* The values of written_by_api in good_files.py. */
static void set_values(quire_writer *writer)
{
	static const unsigned char levels[] = { 0xFF, 0xFF, 0, 0, 1, 0 };
	static const unsigned char tokens[] = "\5\0\0\0\0\0\0\0[PAD]"
					      "\0\0\0\0\0\0\0\0"
					      "\2\0\0\0\0\0\0\0\xC3\xA9";
	const quire_value epsilon = { QUIRE_VALUE_F64, { .f = 1e-12 } };
	const quire_value scale = { QUIRE_VALUE_F32, { .f = 0.5 } };
	const quire_value causal = { QUIRE_VALUE_BOOL, { .b = false } };
	const quire_value shift = { QUIRE_VALUE_I64, { .i = -5 } };
	const quire_value small = { QUIRE_VALUE_I8, { .i = -5 } };
	quire_value array = { .type = QUIRE_VALUE_ARRAY };

	set_string(writer, "general.name", "first name");
	set_string(writer, "quire.converter", "test 1");
	assert_int_equal(quire_writer_set_u64(writer, "quire.source.xxh3",
					      0x0123456789ABCDEF, NULL),
			 QUIRE_OK);
	writing_set(writer, "bert.block_count", 2);
	set(writer, "bert.epsilon", &epsilon);
	set(writer, "bert.scale", &scale);
	set(writer, "bert.causal", &causal);
	set(writer, "bert.shift", &shift);
	set(writer, "bert.small", &small);
	array.as.a =
	    (quire_array){ QUIRE_VALUE_STRING, 3, tokens, sizeof(tokens) - 1 };
	set(writer, "bert.tokens", &array);
	array.as.a =
	    (quire_array){ QUIRE_VALUE_I16, 3, levels, sizeof(levels) };
	set(writer, "bert.levels", &array);
	set_string(writer, "general.architecture", "bert");
	set_string(writer, "general.name", "replaced");
}

struct tensor_row {
	const char *name;
	const char *source;
	quire_dtype dtype;
	uint32_t rank;
	uint64_t shape[4];
	size_t size;
	unsigned seed;
	const char *operation; /* NULL: none */
};

static const struct tensor_row tensor_rows[] = {
	{ "blk.0.weight",
	  "/0/MatMul_Q4",
	  QUIRE_Q4_0,
	  2,
	  { 96, 4 },
	  216,
	  11,
	  NULL },
	{ "blk.0.bias", "blk.0.bias", QUIRE_F32, 1, { 4 }, 16, 12, NULL },
	{ "blk.1.weight", "", QUIRE_Q4_1, 2, { 32, 4 }, 80, 13, "rows 4 4" },
	{ "blk.1.bias", "blk.1.bias", QUIRE_F16, 1, { 4 }, 8, 14, NULL },
	{ "head", "t\xC3\xAAte", QUIRE_BF16, 4, { 3, 2, 2, 2 }, 48, 15, NULL },
	{ "table", "", QUIRE_Q8_0, 1, { 64 }, 68, 16, NULL },
};

#define TENSOR_COUNT (sizeof(tensor_rows) / sizeof(tensor_rows[0]))

static void add_tensors(quire_writer *writer)
{
	for (size_t i = 0; i < TENSOR_COUNT; i++) {
		const struct tensor_row *row = &tensor_rows[i];
		quire_tensor tensor = { .dtype = row->dtype,
					.rank = row->rank };

		tensor.name = (quire_string){ row->name, strlen(row->name) };
		tensor.source =
		    (quire_string){ row->source, strlen(row->source) };
		if (row->operation)
			tensor.operation =
			    (quire_string){ row->operation,
					    strlen(row->operation) };
		memcpy(tensor.shape, row->shape, sizeof(tensor.shape));
		writing_declare(writer, &tensor);
	}
}

static void add_linears(quire_writer *writer)
{
	const quire_linear_entry rows[] = {
		{ "/0/MatMul", 0, 1, 70, 4 },
		{ "/1/MatMul", 2, 3, 32, 0 },
		{ "/1/again", 2, QUIRE_NO_TENSOR, 31, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    quire_writer_add_linear(writer, &rows[i], NULL), QUIRE_OK);
}

/* The bytes that pattern() of gguf_file.py makes, in two pieces each and from
 * the last tensor to the first. */
static void write_data(quire_writer *writer)
{
	unsigned char bytes[256];

	for (size_t i = TENSOR_COUNT; i-- > 0;) {
		const struct tensor_row *row = &tensor_rows[i];
		const size_t half = row->size / 2;

		assert_true(row->size <= sizeof(bytes));
		for (size_t j = 0; j < row->size; j++)
			bytes[j] = (unsigned char)(row->seed + 31 * j);
		writing_put(writer, i, bytes, half);
		writing_put(writer, i, bytes + half, row->size - half);
	}
}

static void test_written_by_api(void **state)
{
	const quire_writer_options options = { .alignment = 64 };
	const struct folder *folder = *state;
	quire_writer *writer = writing_begin(folder->file, &options);

	set_values(writer);
	add_tensors(writer);
	add_linears(writer);
	write_data(writer);
	writing_finish(writer);
	assert_same("good/written_by_api.gguf", folder->file);
}

/* ------------------------------------------------------------- read and write
 */

static bool is_derived(const char *key)
{
	static const char *const keys[] = {
		"general.alignment",   "quire.version",
		"quire.header.xxh3",   "quire.tensor.xxh3",
		"quire.tensor.source", "quire.linear.name",
		"quire.linear.weight", "quire.linear.bias",
		"quire.linear.k",      "quire.linear.accuracy_level",
		"quire.padding",       "quire.tensor.operation",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static char *text_of(quire_string string)
{
	char *text = malloc(string.size + 1);

	assert_non_null(text);
	if (string.size > 0)
		memcpy(text, string.data, string.size);
	text[string.size] = '\0';
	return text;
}

static void copy_values(const quire_model *model, quire_writer *writer)
{
	for (size_t i = 0; i < quire_model_value_count(model); i++) {
		quire_string key;
		const quire_value *value = quire_model_value(model, i, &key);
		char *text = text_of(key);

		if (!is_derived(text))
			set(writer, text, value);
		free(text);
	}
}

static void copy_linears(const quire_model *model, quire_writer *writer)
{
	const quire_tensor *first = quire_model_tensor(model, 0);

	for (size_t i = 0; i < quire_model_linear_count(model); i++) {
		const quire_linear *linear = quire_model_linear(model, i);
		char *name = text_of(linear->name);
		const quire_linear_entry entry = {
			.name = name,
			.weight = (size_t)(linear->weight - first),
			.bias = linear->bias ? (size_t)(linear->bias - first)
					     : QUIRE_NO_TENSOR,
			.k = linear->k,
			.accuracy_level = linear->accuracy_level,
		};

		assert_int_equal(quire_writer_add_linear(writer, &entry, NULL),
				 QUIRE_OK);
		free(name);
	}
}

static void copy_model(const quire_model *model, const char *path)
{
	quire_writer_options options = { .overwrite = true };
	const size_t count = quire_model_tensor_count(model);
	quire_model_info info;
	quire_writer *writer;

	quire_model_describe(model, &info);
	options.alignment = info.alignment;
	writer = writing_begin(path, &options);
	copy_values(model, writer);
	for (size_t i = 0; i < count; i++)
		writing_declare(writer, quire_model_tensor(model, i));
	copy_linears(model, writer);
	for (size_t i = 0; i < count; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		writing_put(writer, i, tensor->data, (size_t)tensor->size);
	}
	writing_finish(writer);
}

static void test_every_container_again(void **state)
{
	const struct folder *folder = *state;
	FILE *table = fopen("good/table.tsv", "r");
	char line[256], name[128], path[160];
	size_t copied = 0;

	assert_non_null(table);
	while (fgets(line, sizeof(line), table)) {
		quire_model *model;

		/* Several writers made the split sets, and ours never writes an
		 * empty table. */
		if (!strstr(line, "\tcontainer\t") || strstr(line, "-of-") ||
		    strstr(line, "empty_table"))
			continue;
		assert_int_equal(sscanf(line, "%127[^\t]", name), 1);
		snprintf(path, sizeof(path), "good/%s", name);
		model = writing_open(path);
		copy_model(model, folder->file);
		quire_model_close(model);
		assert_same(path, folder->file);
		copied++;
	}
	fclose(table);
	assert_true(copied > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_written_by_api),
		FOLDER_TEST(test_every_container_again),
	};

	if (chdir(QUIRE_GOLDEN) != 0) {
		perror(QUIRE_GOLDEN);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
