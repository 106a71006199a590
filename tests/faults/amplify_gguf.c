/*
 * amplify_gguf.c - files of GGUF and sets of them with as many names and parts
 * as fit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/faults/amplify.h"
#include "tests/support/scratch.h"

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

void test_gguf(void **state)
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
void test_sets(void **state)
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
void test_set_of_copies(void **state)
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
