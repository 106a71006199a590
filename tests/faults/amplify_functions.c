/*
 * amplify_functions.c - models of ONNX with functions that call themselves or
 * each other, or whose calls multiply. A call gets the function's nodes anew if
 * it passes a quantized weight.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/faults/amplify.h"
#include "tests/support/scratch.h"

#define NAME_SIZE_MAX 4096

/* Functions f0, f1 and so on. */
struct functions {
	const char *what;
	size_t count;
	bool is_circle;	   /* the last one calls the first one, else none */
	size_t calls;	   /* of the next one, in each */
	size_t others;	   /* nodes that call nothing, in each */
	size_t name_size;  /* of a call */
	size_t from_graph; /* calls of the first one */
};

static void put_call(struct text *text, unsigned field, const char *name,
		     const char *function)
{
	struct text node = { 0 };

	put_string(&node, 1, "w");
	put_string(&node, 3, name);
	put_string(&node, 4, function);
	put_string(&node, 7, "local");
	put_message(text, field, &node);
}

/* Each has an output of its own. */
static void put_others(struct text *function, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct text node = { 0 };
		char output[24];

		snprintf(output, sizeof(output), "%zx", i);
		put_string(&node, 2, output);
		put_message(function, 7, &node);
	}
}

static void put_functions(struct text *model, const struct functions *of)
{
	char call[NAME_SIZE_MAX], name[24];

	assert_in_range(of->name_size, 1, sizeof(call) - 1);
	memset(call, 'n', of->name_size);
	call[of->name_size] = '\0';
	for (size_t i = 0; i < of->count; i++) {
		const bool calls = i + 1 < of->count || of->is_circle;
		struct text function = { 0 };

		snprintf(name, sizeof(name), "f%zu", i);
		put_string(&function, 1, name);
		put_string(&function, 4, "w");
		put_others(&function, of->others);
		snprintf(name, sizeof(name), "f%zu", (i + 1) % of->count);
		for (size_t k = 0; calls && k < of->calls; k++)
			put_call(&function, 7, call, name);
		put_string(&function, 10, "local");
		put_message(model, 25, &function);
	}
}

/* Returns the file's size. */
static size_t write_functions(const char *path, const struct functions *of)
{
	static const unsigned char codes[32];
	struct text graph = { 0 }, weight = { 0 }, rest = { 0 };

	put_int(&weight, 1, 2);
	put_int(&weight, 1, 16);
	put_int(&weight, 2, 2); /* UINT8 */
	put_string(&weight, 8, "w");
	put_field(&weight, 9, codes, sizeof(codes));
	put_message(&graph, 5, &weight);
	put_int(&weight, 1, 8); /* what there is to convert */
	put_int(&weight, 2, 1);
	put_string(&weight, 8, "c");
	put_field(&weight, 9, codes, sizeof(codes));
	put_message(&graph, 5, &weight);
	for (size_t i = 0; i < of->from_graph; i++)
		put_call(&graph, 1, "call", "f0");
	put_functions(&rest, of);
	write_model(path, &graph, &rest);
	return file_size(path);
}

/* Calls may add 2^16 names and 64 for each name of the file, of 512 bytes each;
 * and reading the file as it is takes 1 MiB and 24 bytes for each of its bytes,
 * twice while it is copied into tables. A name takes two bytes in the file at
 * the least. */
static size_t most_memory(size_t names, size_t size, uint64_t max_memory)
{
	const size_t calls = ((size_t)65536 + 64 * names) * 512;
	const bool is_capped = max_memory > 0 && max_memory < calls;

	return BASE + (is_capped ? (size_t)max_memory : calls) + 48 * size;
}

static void check_functions(const char *folder, const struct functions *of,
			    uint64_t max_memory, quire_status expected)
{
	char *path = scratch_path(folder, "a.onnx");
	const size_t size = write_functions(path, of);
	const size_t names = 2 * of->from_graph +
			     of->count * (2 + 2 * of->calls + 2 * of->others);
	const clock_t start = clock();
	quire_error error = { .status = QUIRE_OK };

	watch();
	if (convert(folder, path, max_memory, &error) != expected)
		fail_msg("%s: %s", of->what, error.message);
	check_peak(of->what, most_memory(names, size, max_memory));
	if (seconds_since(start) > 5)
		fail_msg("%s: %.1f s", of->what, seconds_since(start));
	if (!!strstr(error.message, "functions make too many nodes") !=
	    (expected != QUIRE_OK))
		fail_msg("%s: %s", of->what, error.message);
	free(path);
}

void test_functions(void **state)
{
	static const struct functions kinds[] = {
		{ "a function that calls itself", 1, true, 1, 0, 1, 1 },
		{ "one that calls itself eight times", 1, true, 8, 0, 1, 1 },
		{ "one with long names", 1, true, 1, 0, 4000, 1 },
		{ "one with many nodes", 1, true, 2, 2000, 1, 1 },
		{ "two that call each other", 2, true, 2, 0, 20, 1 },
		{ "a circle of a hundred", 100, true, 2, 0, 20, 1 },
		{ "a chain of forty, each twice", 40, false, 2, 0, 20, 1 },
	};
	char *folder = scratch_make();

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		check_functions(folder, &kinds[i], 0, QUIRE_ERROR_UNSUPPORTED);
	scratch_remove(folder);
}

/* Calls that end, of a large function: as many as the file may have, or as many
 * as fit into the memory that the option allows. A file of 400 kB took 800 MB
 * whatever the option said. */
void test_many_calls(void **state)
{
	static const struct functions few = { "fifty calls", 1, false, 0,
					      4000,	     1, 50 };
	static const struct functions many = {
		"two hundred calls", 1, false, 0, 1000, 1, 200
	};
	char *folder = scratch_make();

	(void)state;
	check_functions(folder, &few, 0, QUIRE_OK);
	check_functions(folder, &few, 32 << 20, QUIRE_ERROR_MEMORY);
	check_functions(folder, &many, 0, QUIRE_ERROR_UNSUPPORTED);
	scratch_remove(folder);
}
