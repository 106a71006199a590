/*
 * amplify.c - inputs that grow, and the memory that one takes: what the
 * libraries allocate, counted by the wrapped malloc; of YAML, libyaml's own is
 * not in it.
 */
#include "tests/faults/amplify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/scratch.h"

static struct {
	size_t inputs;
	double hungriest; /* bytes of memory for a byte of input */
} totals;

void put(struct text *text, const void *bytes, size_t size)
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

void put_text(struct text *text, const char *string)
{
	put(text, string, strlen(string));
}

void put_number(struct text *text, uint64_t number, size_t size)
{
	unsigned char field[8];

	store_u64(field, number);
	put(text, field, size);
}

/* ---------------------------------------------------------------- protobuf */

static void put_varint(struct text *text, uint64_t value)
{
	while (value >= 0x80) {
		put_number(text, (value & 0x7F) | 0x80, 1);
		value >>= 7;
	}
	put_number(text, value, 1);
}

void put_int(struct text *text, unsigned field, uint64_t value)
{
	put_varint(text, field << 3);
	put_varint(text, value);
}

void put_field(struct text *text, unsigned field, const void *bytes,
	       size_t size)
{
	put_varint(text, field << 3 | 2);
	put_varint(text, size);
	put(text, bytes, size);
}

void put_string(struct text *text, unsigned field, const char *string)
{
	put_field(text, field, string, strlen(string));
}

void put_message(struct text *text, unsigned field, struct text *message)
{
	put_field(text, field, message->bytes, message->size);
	free(message->bytes);
	*message = (struct text){ 0 };
}

void write_model(const char *path, struct text *graph, struct text *rest)
{
	struct text model = { 0 };

	put_int(&model, 1, 8);
	put_message(&model, 7, graph);
	if (rest) {
		put(&model, rest->bytes, rest->size);
		free(rest->bytes);
	}
	scratch_write(path, model.bytes, model.size);
	free(model.bytes);
}

size_t file_size(const char *path)
{
	struct file_facts facts;

	assert_true(quire_path_facts(path, &facts));
	return (size_t)facts.size;
}

quire_status convert(const char *folder, const char *path, uint64_t max_memory,
		     quire_error *error)
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

/* ------------------------------------------------------------- measurement */

static size_t held;

void watch(void)
{
	failing_malloc_watch();
	held = failing_malloc_held();
}

void check_memory(const char *what, size_t size, size_t factor)
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

void check_peak(const char *what, size_t most)
{
	const size_t peak = failing_malloc_peak() - held;

	if (peak > most)
		fail_msg("%s: %zu bytes of memory, and %zu are allowed", what,
			 peak, most);
	totals.inputs++;
}

void count_input(void)
{
	totals.inputs++;
}

double seconds_since(clock_t start)
{
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

void print_totals(void)
{
	printf("survived %zu amplifying inputs: at most %.1f bytes of memory "
	       "for a byte\n",
	       totals.inputs, totals.hungriest);
}
