/*
 * test_amplification.c - small inputs that would take much memory, time or
 * disk. Each is refused, or used within the bounds that are stated here. Memory
 * is what the libraries allocate, counted by the wrapped malloc; of YAML,
 * libyaml's own is not in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/file.h"
#include "cli/files/npy.h"
#include "cli/ui/trouble.h"
#include "cli/verify/manifest.h"
#include "convert/recipe/recipe.h"
#include "quire_convert.h"
#include "tests/support/check.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/scratch.h"

/* What may be taken for nothing: tables of a fixed size, an output's buffers.
 */
#define BASE ((size_t)2 << 20)

static struct {
	size_t inputs;
	double hungriest; /* bytes of memory for a byte of input */
} totals;

/* In place of the command's own functions, which print. */
int trouble(const char *format, ...)
{
	(void)format;
	return EXIT_TROUBLE;
}

int trouble_memory(void)
{
	return EXIT_TROUBLE;
}

/* A growing input. */
struct text {
	unsigned char *bytes;
	size_t size, room;
};

static void put(struct text *text, const void *bytes, size_t size)
{
	if (size == 0)
		return;
	if (text->room - text->size < size) {
		text->room = 2 * text->room + size;
		text->bytes = realloc(text->bytes, text->room);
		assert_non_null(text->bytes);
	}
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
}

static void put_text(struct text *text, const char *string)
{
	put(text, string, strlen(string));
}

static void put_number(struct text *text, uint64_t number, size_t size)
{
	unsigned char field[8];

	store_u64(field, number);
	put(text, field, size);
}

/* ------------------------------------------------------------- measurement */

static size_t held;

static void watch(void)
{
	failing_malloc_watch();
	held = failing_malloc_held();
}

/* No more than `factor` bytes for each of `size`. */
static void check_memory(const char *what, size_t size, size_t factor)
{
	const size_t peak = failing_malloc_peak() - held;
	const double each = (double)peak / (double)size;

	if (peak > BASE + factor * size)
		fail_msg("%s: %zu bytes of memory for %zu of input", what, peak,
			 size);
	totals.inputs++;
	if (size >= BASE && each > totals.hungriest)
		totals.hungriest = each;
}

/* -------------------------------------------------------------------- GGUF */

static void put_name(struct text *text, size_t number)
{
	char name[8] = "n0000000";

	put_number(text, sizeof(name), 8);
	for (int i = 7; number > 0; i--, number /= 10)
		name[i] = (char)('0' + number % 10);
	put(text, name, sizeof(name));
}

/* A part of a set, with `values` more values and `tensors` tensors. */
static struct text make_part(uint16_t no, uint16_t count, size_t values,
			     size_t tensors)
{
	struct text text = { 0 };

	put(&text, "GGUF\3\0\0\0", 8);
	put_number(&text, tensors, 8);
	put_number(&text, values + 3, 8);
	put_number(&text, 8, 8);
	put_text(&text, "split.no");
	put_number(&text, QUIRE_VALUE_U16, 4);
	put_number(&text, no, 2);
	put_number(&text, 11, 8);
	put_text(&text, "split.count");
	put_number(&text, QUIRE_VALUE_U16, 4);
	put_number(&text, count, 2);
	put_number(&text, 19, 8);
	put_text(&text, "split.tensors.count");
	put_number(&text, QUIRE_VALUE_I32, 4);
	put_number(&text, count * tensors, 4);
	for (size_t i = 0; i < values; i++) {
		put_name(&text, i);
		put_number(&text, QUIRE_VALUE_U8, 4);
		put_number(&text, 0, 1);
	}
	for (size_t i = 0; i < tensors; i++) {
		put_name(&text, i);
		put_number(&text, 1, 4);
		put_number(&text, 32, 8);
		put_number(&text, 24, 4); /* I8 */
		put_number(&text, 32 * i, 8);
	}
	while (text.size % 32 != 0)
		put_number(&text, 0, 1);
	for (size_t i = 0; i < tensors; i++)
		put(&text, "0123456789abcdef0123456789abcdef", 32);
	return text;
}

static void test_gguf(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "a.gguf");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct text text =
		    make_part(0, 1, i ? 100000 : 0, i ? 0 : 40000);
		quire_model *model;

		scratch_write(path, text.bytes, text.size);
		free(text.bytes);
		watch();
		assert_int_equal(quire_model_open(path, NULL, &model, NULL),
				 QUIRE_OK);
		check_memory("GGUF", text.size, 8);
		quire_model_close(model);
	}
	free(path);
	scratch_remove(folder);
}

#define PARTS 400

/* Many names of one part, and many copies of it: refused by the second. */
static void test_sets(void **state)
{
	(void)state;
	for (size_t copies = 0; copies < 2; copies++) {
		char *folder = scratch_make();
		char *first = scratch_path(folder, "a-00001-of-00400.gguf");
		const struct text text = make_part(0, PARTS, 40000, 10000);
		quire_model *model;
		quire_error error;

		scratch_write(first, text.bytes, text.size);
		for (int i = 2; i <= PARTS; i++) {
			char name[40], *path;

			snprintf(name, sizeof(name), "a-%05d-of-00400.gguf", i);
			path = scratch_path(folder, name);
			if (copies && i <= 4)
				scratch_copy(first, path);
			else
				assert_true(quire_path_link(first, path));
			free(path);
		}
		free(text.bytes);
		watch();
		assert_int_equal(quire_model_open(first, NULL, &model, &error),
				 QUIRE_ERROR_LAYOUT);
		assert_non_null(strstr(error.message, "[F-43]"));
		check_memory("a set", text.size, 12);
		free(first);
		scratch_remove(folder);
	}
}

/* The same without any link: each part is what its header says, but one. */
static void test_set_of_copies(void **state)
{
	char *folder = scratch_make();
	char *first = scratch_path(folder, "a-00001-of-00003.gguf");
	char *second = scratch_path(folder, "a-00002-of-00003.gguf");
	char *third = scratch_path(folder, "a-00003-of-00003.gguf");
	const struct text text = make_part(0, 3, 40000, 10000);
	quire_model *model;
	quire_error error;

	(void)state;
	scratch_write(first, text.bytes, text.size);
	scratch_write(second, text.bytes, text.size);
	scratch_write(third, text.bytes, text.size);
	free(text.bytes);
	watch();
	assert_int_equal(quire_model_open(first, NULL, &model, &error),
			 QUIRE_ERROR_LAYOUT);
	assert_string_equal(error.path, second);
	/* The second's values are read, and none of its infos. */
	check_memory("a set of copies", text.size, 12);
	free(first);
	free(second);
	free(third);
	scratch_remove(folder);
}

/* -------------------------------------------------------------------- ONNX */

static void put_varint(struct text *text, uint64_t value)
{
	while (value >= 0x80) {
		put_number(text, (value & 0x7F) | 0x80, 1);
		value >>= 7;
	}
	put_number(text, value, 1);
}

static void put_int(struct text *text, unsigned field, uint64_t value)
{
	put_varint(text, field << 3);
	put_varint(text, value);
}

static void put_field(struct text *text, unsigned field, const void *bytes,
		      size_t size)
{
	put_varint(text, field << 3 | 2);
	put_varint(text, size);
	put(text, bytes, size);
}

static void put_string(struct text *text, unsigned field, const char *string)
{
	put_field(text, field, string, strlen(string));
}

/* A message that becomes a field of `text`, and is freed. */
static void put_message(struct text *text, unsigned field, struct text *message)
{
	put_field(text, field, message->bytes, message->size);
	free(message->bytes);
	*message = (struct text){ 0 };
}

/* Frees the graph. */
static void write_model(const char *path, struct text *graph)
{
	struct text model = { 0 };

	put_int(&model, 1, 8);
	put_message(&model, 7, graph);
	scratch_write(path, model.bytes, model.size);
	free(model.bytes);
}

static size_t file_size(const char *path)
{
	struct file_facts facts;

	assert_true(quire_path_facts(path, &facts));
	return (size_t)facts.size;
}

static quire_status convert(const char *folder, const char *path,
			    uint64_t max_memory, quire_error *error)
{
	const quire_convert_options options = { .threads = 1,
						.overwrite = true,
						.max_memory = max_memory };
	char *to = scratch_path(folder, "out.gguf");
	const quire_status status =
	    quire_convert_onnx(path, to, &options, NULL, error);

	free(to);
	return status;
}

/* Messages of no bytes: nodes, values, dimensions, opsets, tensors. */
static void test_empty_messages(void **state)
{
	static const unsigned fields[] = { 1, 11, 12, 13, 5 };
	char *folder = scratch_make();
	char *path = scratch_path(folder, "a.onnx");

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct text graph = { 0 };
		quire_error error;

		for (size_t k = 0; k < 2000000; k++)
			put_field(&graph, fields[i], "", 0);
		write_model(path, &graph);
		watch();
		assert_int_equal(convert(folder, path, 0, &error),
				 QUIRE_ERROR_LAYOUT);
		check_memory("empty messages", file_size(path), 40);
		/* The option lowers it. */
		watch();
		(void)convert(folder, path, 1 << 20, NULL);
		check_memory("empty messages in 1 MiB", file_size(path), 3);
	}
	free(path);
	scratch_remove(folder);
}

/* An initializer whose bytes are in data.bin. */
static void put_external(struct text *graph, const char *name, int type,
			 const uint64_t *dims, size_t rank, uint64_t offset,
			 uint64_t size)
{
	static const char *const keys[] = { "location", "offset", "length" };
	struct text tensor = { 0 };
	char numbers[2][24];
	const char *const values[] = { "data.bin", numbers[0], numbers[1] };

	snprintf(numbers[0], sizeof(numbers[0]), "%zu", (size_t)offset);
	snprintf(numbers[1], sizeof(numbers[1]), "%zu", (size_t)size);
	for (size_t i = 0; i < rank; i++)
		put_int(&tensor, 1, dims[i]);
	put_int(&tensor, 2, (uint64_t)type);
	put_string(&tensor, 8, name);
	for (size_t i = 0; i < 3; i++) {
		struct text pair = { 0 };

		put_string(&pair, 1, keys[i]);
		put_string(&pair, 2, values[i]);
		put_message(&tensor, 13, &pair);
	}
	put_int(&tensor, 14, 1);
	put_message(graph, 5, &tensor);
}

static void write_data(const char *folder, size_t size)
{
	char *path = scratch_path(folder, "data.bin");
	unsigned char *bytes = malloc(size);

	assert_non_null(bytes);
	memset(bytes, 0x3c, size);
	scratch_write(path, bytes, size);
	free(bytes);
	free(path);
}

#define DATA_SIZE ((size_t)1 << 20)

/* Float vectors of a megabyte, each a few bytes further on than the last. */
static void test_overlapping_ranges(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "a.onnx");
	char *out = scratch_path(folder, "out.gguf");

	(void)state;
	write_data(folder, DATA_SIZE);
	for (size_t count = 4; count <= 400; count *= 10) {
		const uint64_t dims[] = { (DATA_SIZE - 4 * count) / 4 };
		struct text graph = { 0 };
		quire_error error = { .status = QUIRE_OK };
		quire_status status;

		for (size_t i = 0; i < count; i++) {
			char name[24];

			snprintf(name, sizeof(name), "t%zu", i);
			put_external(&graph, name, 1, dims, 1, 4 * i,
				     4 * dims[0]);
		}
		write_model(path, &graph);
		watch();
		status = convert(folder, path, 0, &error);
		check_memory("overlapping ranges", DATA_SIZE, 40);
		assert_int_equal(status,
				 count <= 4 ? QUIRE_OK : QUIRE_ERROR_LAYOUT);
		if (status == QUIRE_OK)
			assert_true(file_size(out) <=
				    8 * DATA_SIZE + (16 << 20) + count * 16384 +
					65536);
		else
			assert_non_null(strstr(error.message, "share"));
	}
	free(out);
	free(path);
	scratch_remove(folder);
}

/* Of floats, and of no known shape. */
static void put_input(struct text *graph, const char *name)
{
	struct text info = { 0 }, type = { 0 }, tensor = { 0 };

	put_int(&tensor, 1, 1);
	put_message(&type, 1, &tensor);
	put_string(&info, 1, name);
	put_message(&info, 2, &type);
	put_message(graph, 11, &info);
}

/* A MatMulNBits of 2048 columns and 1024 rows in blocks of 32: codes that all
 * have, and scales of its own. */
static void put_product(struct text *graph, size_t number)
{
	static const char *const names[] = { "K", "N", "bits", "block_size" };
	static const uint64_t values[] = { 2048, 1024, 4, 32 };
	const uint64_t dims[] = { 1024 * 64 };
	struct text node = { 0 };
	char scales[24], output[24];

	snprintf(scales, sizeof(scales), "s%zu", number);
	snprintf(output, sizeof(output), "y%zu", number);
	put_external(graph, scales, 1, dims, 1, DATA_SIZE + 4 * number,
		     4 * dims[0]);
	put_string(&node, 1, "x");
	put_string(&node, 1, "w");
	put_string(&node, 1, scales);
	put_string(&node, 2, output);
	put_string(&node, 4, "MatMulNBits");
	for (size_t i = 0; i < 4; i++) {
		struct text attribute = { 0 };

		put_string(&attribute, 1, names[i]);
		put_int(&attribute, 3, values[i]);
		put_int(&attribute, 20, 2);
		put_message(&node, 5, &attribute);
	}
	put_string(&node, 7, "com.microsoft");
	put_message(graph, 1, &node);
}

/* One matrix of codes, and many products by it: each has a tensor. */
static void test_shared_codes(void **state)
{
	static const uint64_t dims[] = { 1024, 64, 16 };
	char *folder = scratch_make();
	char *path = scratch_path(folder, "a.onnx");

	(void)state;
	write_data(folder, 2 * DATA_SIZE);
	for (size_t count = 6; count <= 60; count *= 10) {
		struct text graph = { 0 };
		quire_error error = { .status = QUIRE_OK };
		quire_status status;

		put_input(&graph, "x");
		put_external(&graph, "w", 2, dims, 3, 0, DATA_SIZE);
		for (size_t i = 0; i < count; i++)
			put_product(&graph, i);
		write_model(path, &graph);
		watch();
		status = convert(folder, path, 0, &error);
		check_memory("shared codes", DATA_SIZE, 40);
		if (status != (count == 6 ? QUIRE_OK : QUIRE_ERROR_LAYOUT))
			fail_msg("%zu products: %s", count, error.message);
		if (status != QUIRE_OK)
			assert_non_null(strstr(error.message, "again"));
	}
	free(path);
	scratch_remove(folder);
}

/* ----------------------------------------------------------------- recipes */

static quire_status parse_recipe(const struct text *text, struct recipe *recipe,
				 quire_error *error)
{
	return quire_recipe_parse("r", text->bytes, text->size, recipe, error);
}

static void test_recipe_memory(void **state)
{
	static const char *const items[] = { "a,", "[],", "{},", "'',",
					     "? a\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		struct text text = { 0 };
		struct recipe recipe;

		put_text(&text, i == 4 ? "" : "take: [");
		while (text.size < 4000000)
			put_text(&text, items[i]);
		watch();
		if (parse_recipe(&text, &recipe, NULL) == QUIRE_OK)
			quire_recipe_free(&recipe);
		check_memory("a recipe", text.size, 16);
		free(text.bytes);
	}
}

static double seconds_since(clock_t start)
{
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* libyaml compares each with all before it. */
static void test_tags(void **state)
{
	struct text text = { 0 };
	struct recipe recipe;
	quire_error error;
	const clock_t start = clock();

	(void)state;
	for (size_t i = 0; text.size < 4000000; i++) {
		char line[40];

		snprintf(line, sizeof(line), "%%TAG !t%zu! !\n", i);
		put_text(&text, line);
	}
	put_text(&text, "---\n{}\n");
	assert_int_equal(parse_recipe(&text, &recipe, &error),
			 QUIRE_ERROR_ARGUMENT);
	assert_non_null(strstr(error.message, "%TAG"));
	assert_true(seconds_since(start) < 5);
	totals.inputs++;
	free(text.bytes);
}

/* The longest patterns and names: 1,000 x 20 took 7.6 s. */
static void test_patterns(void **state)
{
	struct text text = { 0 };
	struct recipe recipe;
	char name[QUIRE_PATTERN_TEXT_MAX + 1];
	clock_t start;

	(void)state;
	put_text(&text, "leave:\n");
	for (size_t i = 0; i < 1000; i++) {
		put_text(&text, "- '");
		for (size_t k = 0; k < 127; k++)
			put_text(&text, "*a");
		put_text(&text, "b'\n");
	}
	assert_int_equal(parse_recipe(&text, &recipe, NULL), QUIRE_OK);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	start = clock();
	for (size_t i = 0; i < 20; i++)
		assert_false(quire_recipe_leaves(&recipe, name));
	printf("1,000 patterns x 20 names: %.2f s\n", seconds_since(start));
	assert_true(seconds_since(start) < 7);
	assert_int_equal(
	    quire_recipe_check_work(&recipe, 20 * sizeof(name), 20, NULL),
	    QUIRE_OK);
	assert_int_equal(
	    quire_recipe_check_work(&recipe, (uint64_t)1 << 31, 1 << 20, NULL),
	    QUIRE_ERROR_ARGUMENT);
	assert_int_equal(
	    quire_recipe_check_work(&recipe, UINT64_MAX, 1 << 20, NULL),
	    QUIRE_ERROR_ARGUMENT);
	totals.inputs += 2;
	quire_recipe_free(&recipe);
	free(text.bytes);
}

/* ------------------------------------------------------- the command's files
 */

static void test_manifests(void **state)
{
	static const char *const lines[] = {
		"0123456789abcdef  a\n",
		"xxh3 0123456789abcdef a:b\n",
		"\n",
		"# \n",
	};
	char *folder = scratch_make();
	char *path = scratch_path(folder, "list");

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct manifest manifest = { .text = NULL };
		struct text text = { 0 };

		while (text.size < 4000000)
			put_text(&text, lines[i]);
		scratch_write(path, text.bytes, text.size);
		free(text.bytes);
		watch();
		if (manifest_read(&manifest, path))
			manifest_free(&manifest);
		check_memory("a manifest", text.size, 16);
	}
	free(path);
	scratch_remove(folder);
}

static void test_npy(void **state)
{
	static const char *const shapes[] = {
		"(1000000000000,)",
		"(1, 4000000000)",
		"(1, 1, 1, 1, 1, 1, 1, 1, 4294967296)",
	};
	char *folder = scratch_make();
	char *path = scratch_path(folder, "a.npy");

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct npy_array array = { .data = NULL };
		char header[128];
		FILE *stream;

		memset(header, ' ', sizeof(header));
		memcpy(header, "\x93NUMPY\1\0\x76\0", 10);
		snprintf(header + 10, sizeof(header) - 10,
			 "{'descr': '<f4', 'fortran_order': False, 'shape': "
			 "%s}",
			 shapes[i]);
		header[strlen(header + 10) + 10] = ' ';
		header[sizeof(header) - 1] = '\n';
		scratch_write(path, header, sizeof(header));
		stream = fopen(path, "rb");
		assert_non_null(stream);
		watch();
		assert_int_not_equal(npy_read(stream, &array, NULL), QUIRE_OK);
		check_memory("an array", sizeof(header), 1024);
		fclose(stream);
	}
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gguf),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_of_copies),
		cmocka_unit_test(test_empty_messages),
		cmocka_unit_test(test_overlapping_ranges),
		cmocka_unit_test(test_shared_codes),
		cmocka_unit_test(test_recipe_memory),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_manifests),
		cmocka_unit_test(test_npy),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	printf("survived %zu amplifying inputs: at most %.1f bytes of memory "
	       "for a byte\n",
	       totals.inputs, totals.hungriest);
	return failed;
}
