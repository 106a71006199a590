/*
 * test_open_cost.c - what opening allocates does not depend on how many
 * strings, values or tensors a file has: a handful of blocks, whose sum is a
 * fixed multiple of the header.
 *
 * The program is linked with --wrap: the library's calls come here first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "quire.h"
#include "tests/support/check.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

/* The linker gives the wrappers no context to keep these in. */
static size_t calls, bytes_taken;

static void note(size_t size)
{
	calls++;
	bytes_taken += size;
}

void *__wrap_malloc(size_t size)
{
	note(size);
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	note(count * size);
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
	note(size);
	return __real_realloc(block, size);
}

/* A growing file. */
struct text {
	unsigned char *bytes;
	size_t size;
};

static void put(struct text *text, const void *bytes, size_t size)
{
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
}

static void put_number(struct text *text, uint64_t value, size_t size)
{
	unsigned char field[8];

	store_u64(field, value);
	put(text, field, size);
}

static void put_string(struct text *text, const char *string)
{
	put_number(text, strlen(string), 8);
	put(text, string, strlen(string));
}

/* Seven characters that no other number has. */
static void put_name(struct text *text, size_t number)
{
	char name[8] = "n000000";

	for (int i = 6; number > 0; i--, number /= 10)
		name[i] = (char)('0' + number % 10);
	put_string(text, name);
}

struct counts {
	size_t values, strings, tensors;
};

/* A foreign file: an array of strings, then u32 values, then tensors of 32
 * bytes. */
static struct text build(struct counts counts)
{
	const size_t room = 200 + counts.values * 64 + counts.strings * 16 +
			    counts.tensors * 96;
	struct text text = { calloc(1, room), 0 };

	assert_non_null(text.bytes);
	put(&text, "GGUF\3\0\0\0", 8);
	put_number(&text, counts.tensors, 8);
	put_number(&text, counts.values + 1, 8);
	put_string(&text, "tokens");
	put_number(&text, QUIRE_VALUE_ARRAY, 4);
	put_number(&text, QUIRE_VALUE_STRING, 4);
	put_number(&text, counts.strings, 8);
	for (size_t i = 0; i < counts.strings; i++)
		put_name(&text, i);
	for (size_t i = 0; i < counts.values; i++) {
		put_name(&text, i);
		put_number(&text, QUIRE_VALUE_U32, 4);
		put_number(&text, i, 4);
	}
	for (size_t i = 0; i < counts.tensors; i++) {
		put_name(&text, i);
		put_number(&text, 1, 4);
		put_number(&text, 8, 8);
		put_number(&text, QUIRE_F32, 4);
		put_number(&text, 32 * i, 8);
	}
	text.size = (text.size + 31) / 32 * 32 + 32 * counts.tensors;
	assert_true(text.size <= room);
	return text;
}

static size_t count_calls(struct counts counts)
{
	const struct text text = build(counts);
	quire_model *model;

	calls = 0;
	bytes_taken = 0;
	assert_int_equal(
	    quire_model_open_memory(text.bytes, text.size, NULL, &model, NULL),
	    QUIRE_OK);
	/* A tensor's info takes 39 bytes at least and its view 160, its place
	 * in the index of names 16. */
	assert_true(bytes_taken <= 2000 + 8 * text.size);
	quire_model_close(model);
	free(text.bytes);
	return calls;
}

static void test_allocations_do_not_grow(void **state)
{
	static const struct counts few = { 1, 1, 1 };
	static const struct counts many[] = {
		{ 1, 250000, 1 },
		{ 100000, 1, 1 },
		{ 1, 1, 100000 },
	};
	const size_t expected = count_calls(few);

	(void)state;
	assert_in_range(expected, 1, 16);
	for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++)
		assert_int_equal(count_calls(many[i]), expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocations_do_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
