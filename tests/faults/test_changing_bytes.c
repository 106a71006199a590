/*
 * test_changing_bytes.c - somebody writes to a file, in place and of the same
 * size, while it is opened and after it. Nothing that was read of an open
 * model's header may change, and nothing may read outside of the file's bytes,
 * whatever is called.
 *
 * Tries a few hundred openings of each kind; with the argument "all", 50,000.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/thread.h"
#include "quire.h"
#include "tests/fuzz/touch.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

static size_t rounds = 300;

/* A golden file in a folder of its own. */
struct victim {
	char *folder, *path;
	unsigned char *good;
	size_t size;
	int file; /* open for writing */
};

static struct victim victim_make(const char *name)
{
	struct victim victim = { .folder = scratch_make() };
	char *from = scratch_path(QUIRE_GOLDEN "/good", name);

	victim.path = scratch_path(victim.folder, name);
	victim.good = scratch_read(from, &victim.size);
	victim.file = quire_file_create_new(victim.path, 0600);
	assert_true(victim.file >= 0);
	assert_true(quire_file_write(victim.file, 0, victim.good, victim.size));
	free(from);
	return victim;
}

static void victim_free(struct victim *victim)
{
	quire_file_close(victim->file);
	free(victim->good);
	free(victim->path);
	scratch_remove(victim->folder);
}

static void victim_write(const struct victim *victim, size_t at,
			 const void *bytes, size_t size)
{
	assert_true(quire_file_write(victim->file, at, bytes, size));
}

/* ------------------------------------------------------------- fingerprints */

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ b[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
	return mix(hash, &number, sizeof(number));
}

static uint64_t mix_string(uint64_t hash, quire_string string)
{
	return mix(mix_number(hash, string.size), string.data, string.size);
}

static uint64_t mix_scalar(uint64_t hash, const quire_value *value)
{
	hash = mix_number(hash, (uint64_t)value->type);
	switch (value->type) {
	case QUIRE_VALUE_STRING:
		return mix_string(hash, value->as.s);
	case QUIRE_VALUE_BOOL:
		return mix_number(hash, value->as.b);
	case QUIRE_VALUE_F32:
	case QUIRE_VALUE_F64:
		return mix(hash, &value->as.f, sizeof(value->as.f));
	default:
		return mix_number(hash, value->as.u);
	}
}

static uint64_t mix_value(uint64_t hash, const quire_value *value)
{
	quire_value element;
	quire_array rest;

	if (value->type != QUIRE_VALUE_ARRAY)
		return mix_scalar(hash, value);
	rest = value->as.a;
	hash = mix_number(hash, rest.count);
	while (quire_array_next(&rest, &element))
		hash = mix_scalar(hash, &element);
	return mix_number(hash, rest.size);
}

static uint64_t mix_tensor(uint64_t hash, const quire_tensor *tensor)
{
	hash = mix_string(mix_string(hash, tensor->name), tensor->source);
	hash = mix(hash, tensor->shape, sizeof(tensor->shape));
	hash = mix_number(hash, (uint64_t)tensor->dtype);
	hash = mix_number(mix_number(hash, tensor->rank), tensor->offset);
	return mix_number(mix_number(hash, tensor->size), tensor->xxh3);
}

/* Of all that a model says of its header. */
static uint64_t fingerprint(const quire_model *model)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	const quire_value *value;
	quire_string key;

	for (size_t i = 0; (value = quire_model_value(model, i, &key)); i++)
		hash = mix_value(mix_string(hash, key), value);
	for (size_t i = 0; i < quire_model_tensor_count(model); i++)
		hash = mix_tensor(hash, quire_model_tensor(model, i));
	for (size_t i = 0; i < quire_model_linear_count(model); i++) {
		const quire_linear *linear = quire_model_linear(model, i);

		hash = mix_string(hash, linear->name);
		hash = mix_number(mix_number(hash, linear->k), linear->n);
	}
	return hash;
}

/* ----------------------------------------------------------------- writers */

/* Another thread, which writes until it is stopped. */
struct writer {
	struct thread thread;
	atomic_bool stop;
	const struct victim *victim;
	size_t header; /* bytes at the start that it changes one by one */
	struct rng rng;
};

static const uint64_t numbers[] = {
	0, 1, 8, 64, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, INT64_MAX, UINT64_MAX,
};

/* A field of a boundary value somewhere in the header, and the old bytes. */
static void write_field(struct writer *writer)
{
	const struct victim *victim = writer->victim;
	const size_t at =
	    (size_t)random_below(&writer->rng, writer->header - 8);
	const size_t count = sizeof(numbers) / sizeof(*numbers);
	unsigned char field[8];

	store_u64(field, numbers[random_below(&writer->rng, count)]);
	victim_write(victim, at, field, sizeof(field));
	victim_write(victim, at, victim->good + at, sizeof(field));
}

static void run_fields(void *context)
{
	struct writer *writer = context;

	while (!atomic_load(&writer->stop))
		write_field(writer);
}

static void fill(const struct victim *victim, unsigned char byte)
{
	unsigned char *bytes = malloc(victim->size);

	assert_non_null(bytes);
	memset(bytes, byte, victim->size);
	victim_write(victim, 0, bytes, victim->size);
	free(bytes);
}

/* The whole file, over and over. */
static void run_fills(void *context)
{
	struct writer *writer = context;

	for (unsigned byte = 0; !atomic_load(&writer->stop); byte += 85)
		fill(writer->victim, (unsigned char)byte);
}

static void start(struct writer *writer, void (*run)(void *))
{
	atomic_init(&writer->stop, false);
	assert_true(quire_thread_start(&writer->thread, run, writer));
}

static void stop(struct writer *writer)
{
	atomic_store(&writer->stop, true);
	quire_thread_join(&writer->thread);
	victim_write(writer->victim, 0, writer->victim->good,
		     writer->victim->size);
}

/* ------------------------------------------------------------------- tests */

static const char *const files[] = {
	"container_mixed_32.gguf",    "container_names.gguf",
	"container_ragged_k.gguf",    "container_every_value.gguf",
	"container_every_dtype.gguf", "foreign_version_2.gguf",
};
#define FILE_COUNT (sizeof(files) / sizeof(*files))

static quire_model *open_victim(const struct victim *victim)
{
	const quire_open_options options = { .allow_edited_header = true };
	quire_model *model;

	if (quire_model_open(victim->path, &options, &model, NULL) != QUIRE_OK)
		return NULL;
	return model;
}

/* What was read stays as it was, whatever the file's bytes are now. */
static void test_written_after_opening(void **state)
{
	size_t writes = 0;

	(void)state;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct victim victim = victim_make(files[i]);
		quire_model *model = open_victim(&victim);
		uint64_t before;

		assert_non_null(model);
		before = fingerprint(model);
		for (unsigned byte = 0; byte < 256; byte += 51, writes++) {
			fill(&victim, (unsigned char)byte);
			assert_int_equal(fingerprint(model), before);
			(void)touch_model(model, 1);
		}
		quire_model_close(model);
		victim_free(&victim);
	}
	printf("survived %zu changes of a mapped file: header as it was\n",
	       writes);
}

/* The same with the writer at work during the calls. */
static void test_written_during_calls(void **state)
{
	size_t calls = 0;

	(void)state;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct victim victim = victim_make(files[i]);
		struct writer writer = { .victim = &victim };
		quire_model *model = open_victim(&victim);
		uint64_t before;

		assert_non_null(model);
		before = fingerprint(model);
		start(&writer, run_fills);
		for (size_t k = 0; k < rounds / FILE_COUNT / 4; k++, calls++) {
			(void)touch_model(model, 1 + k % 2);
			assert_int_equal(fingerprint(model), before);
		}
		stop(&writer);
		quire_model_close(model);
		victim_free(&victim);
	}
	printf("survived %zu changes of a mapped file: during all calls\n",
	       calls);
}

/* Opening either refuses what it reads, or opens something that holds
 * together. */
static void test_written_during_opening(void **state)
{
	size_t opened = 0, refused = 0;

	(void)state;
	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct victim victim = victim_make(files[i]);
		struct writer writer = { .victim = &victim, .rng = { 1 + i } };
		quire_model *model = open_victim(&victim);
		quire_model_info info;

		assert_non_null(model);
		quire_model_describe(model, &info);
		quire_model_close(model);
		writer.header = (size_t)info.data_offset;
		start(&writer, run_fields);
		/* The writer may lose its CPU in the middle of a change: so on
		 * until one was opened. */
		for (size_t k = 0; k < rounds / FILE_COUNT || opened == 0;
		     k++) {
			model = open_victim(&victim);
			refused += model == NULL;
			opened += model != NULL;
			if (model && k % 8 == 0)
				(void)touch_model(model, 1);
			else if (model)
				(void)fingerprint(model);
			quire_model_close(model);
		}
		stop(&writer);
		victim_free(&victim);
	}
	assert_true(opened > 0);
	printf("survived %zu changes of a mapped file: during opening (%zu "
	       "opened, %zu refused)\n",
	       opened + refused, opened, refused);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_after_opening),
		cmocka_unit_test(test_written_during_calls),
		cmocka_unit_test(test_written_during_opening),
	};

	if (argc > 1 && strcmp(argv[1], "all") == 0)
		rounds = 50000;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
