/*
 * amplify.h - what the tests of amplifying inputs share: inputs that grow, and
 * how much memory and time one may take. test_amplification.c runs the tests,
 * which are in one file for each kind of input.
 */
#ifndef QUIRE_TESTS_AMPLIFY_H
#define QUIRE_TESTS_AMPLIFY_H

#include <time.h>

#include "quire_convert.h"
#include "tests/support/check.h"

/* What may be taken for nothing: tables of a fixed size, an output's buffers.
 */
#define BASE ((size_t)2 << 20)

/* A growing input. */
struct text {
	unsigned char *bytes;
	size_t size, room;
};

void put(struct text *text, const void *bytes, size_t size);
void put_text(struct text *text, const char *string);
void put_number(struct text *text, uint64_t number, size_t size);

/* Of protobuf. A message becomes a field of `text`, and is freed. */
void put_int(struct text *text, unsigned field, uint64_t value);
void put_field(struct text *text, unsigned field, const void *bytes,
	       size_t size);
void put_string(struct text *text, unsigned field, const char *string);
void put_message(struct text *text, unsigned field, struct text *message);

/* Writes a model of ONNX, and frees both. `rest` follows the graph, or is
 * NULL. */
void write_model(const char *path, struct text *graph, struct text *rest);

size_t file_size(const char *path);

/* Converts into FOLDER/out.gguf. */
quire_status convert(const char *folder, const char *path, uint64_t max_memory,
		     quire_error *error);

/* ------------------------------------------------------------- measurement */

/* Begins to count memory. */
void watch(void);

/* No more than BASE and `factor` bytes for each of `size`, since watch. */
void check_memory(const char *what, size_t size, size_t factor);

/* The same with a bound that does not grow with the input. */
void check_peak(const char *what, size_t most);

/* One more input, which is measured in another way. */
void count_input(void);

double seconds_since(clock_t start);

/* Prints how many inputs there were, and the worst of them. */
void print_totals(void);

/* ------------------------------------------------------------------- tests */

void test_gguf(void **state);
void test_sets(void **state);
void test_set_of_copies(void **state);
void test_empty_messages(void **state);
void test_overlapping_ranges(void **state);
void test_shared_codes(void **state);
void test_functions(void **state);
void test_many_calls(void **state);
void test_recipe_memory(void **state);
void test_tags(void **state);
void test_patterns(void **state);
void test_manifests(void **state);
void test_npy(void **state);

#endif
