/*
 * amplify_onnx.c - models of ONNX that unpack to much, or whose tensors share
 * their bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/faults/amplify.h"
#include "tests/support/scratch.h"

/* Messages of no bytes: nodes, values, dimensions, opsets, tensors. */
void test_empty_messages(void **state)
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
		write_model(path, &graph, NULL);
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
void test_overlapping_ranges(void **state)
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
		write_model(path, &graph, NULL);
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
void test_shared_codes(void **state)
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
		write_model(path, &graph, NULL);
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
