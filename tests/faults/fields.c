/*
 * fields.c - walks a good GGUF file and records each field.
 */
#include "tests/faults/fields.h"

#include <stdbool.h>
#include <stdlib.h>

#include "tests/support/check.h"

/* So many elements of an array are recorded from each end. */
#define ENDS 3

struct walk {
	const unsigned char *bytes;
	size_t size, at;
	struct fields *fields;
};

/* Bytes of a value, by its type's number in GGUF. 0: a string or an array. */
static const unsigned value_sizes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };
#define STRING 8
#define ARRAY  9

static void note(struct fields *fields, size_t offset, unsigned size)
{
	if (fields->count == fields->capacity) {
		fields->capacity = fields->capacity * 2 + 64;
		fields->items = realloc(
		    fields->items, fields->capacity * sizeof(*fields->items));
		assert_non_null(fields->items);
	}
	fields->items[fields->count].offset = offset;
	fields->items[fields->count++].size = size;
}

/* Skips a number; records it if asked to. */
static uint64_t take(struct walk *walk, unsigned size, bool noted)
{
	uint64_t value = 0;

	assert_true(size <= walk->size - walk->at);
	if (noted)
		note(walk->fields, walk->at, size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)walk->bytes[walk->at + i] << (8 * i);
	walk->at += size;
	return value;
}

static void take_string(struct walk *walk, bool noted)
{
	const uint64_t size = take(walk, 8, noted);

	assert_true(size <= walk->size - walk->at);
	if (noted && size > 0) {
		note(walk->fields, walk->at, 1);
		note(walk->fields, walk->at + (size_t)size / 2, 1);
		note(walk->fields, walk->at + (size_t)size - 1, 1);
	}
	walk->at += (size_t)size;
}

static void take_value(struct walk *walk)
{
	uint64_t type = take(walk, 4, true), count = 1;

	if (type == ARRAY) {
		type = take(walk, 4, true);
		count = take(walk, 8, true);
	}
	assert_true(type <= 12 && type != ARRAY);
	for (uint64_t i = 0; i < count; i++) {
		const bool noted = i < ENDS || i + ENDS >= count;

		if (type == STRING)
			take_string(walk, noted);
		else
			take(walk, value_sizes[type], noted);
	}
}

static void take_info(struct walk *walk)
{
	uint64_t rank;

	take_string(walk, true);
	rank = take(walk, 4, true);
	assert_in_range(rank, 1, 4);
	while (rank-- > 0)
		take(walk, 8, true);
	take(walk, 4, true);
	take(walk, 8, true);
}

struct fields fields_of(const unsigned char *bytes, size_t size)
{
	struct fields fields = { NULL, 0, 0, 0 };
	struct walk walk = { bytes, size, 0, &fields };
	uint64_t tensors, values;

	take(&walk, 4, true);
	take(&walk, 4, true);
	tensors = take(&walk, 8, true);
	values = take(&walk, 8, true);
	while (values-- > 0) {
		take_string(&walk, true);
		take_value(&walk);
	}
	while (tensors-- > 0)
		take_info(&walk);
	fields.end = walk.at;
	return fields;
}

void fields_free(struct fields *fields)
{
	free(fields->items);
	fields->items = NULL;
}
