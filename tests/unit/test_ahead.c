/*
 * test_ahead.c - reading ahead: all of it is read, products are right
 * meanwhile, the model can be closed at any moment of it, a file that shrinks
 * raises no SIGBUS, and a model without the thread works too.
 *
 * The program is linked with --wrap: the loader starts its threads here.
 */
#include "loader/ahead.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/thread.h"
#include "tests/support/check.h"
#include "tests/support/folder.h"

/* 29 MB. */
#define K      4096
#define N      777
#define COUNT  16
#define SIZE   (K / 32 * 18 * N)
#define CLOSES 50

/* A loaded machine may be slow; a thread that hangs is slower. */
#define PATIENCE 60.0

static const quire_open_options ahead = { .prefetch =
					      QUIRE_PREFETCH_WILL_NEED };

bool __real_quire_thread_start(struct thread *thread,
			       void (*run)(void *context), void *context);
bool __wrap_quire_thread_start(struct thread *thread,
			       void (*run)(void *context), void *context);

/* The linker gives the wrapper no context to keep it in. */
static bool no_threads;

bool __wrap_quire_thread_start(struct thread *thread,
			       void (*run)(void *context), void *context)
{
	return !no_threads && __real_quire_thread_start(thread, run, context);
}

static void declare(quire_writer *writer, size_t i)
{
	const char name[] = { 'w', (char)('a' + i), 0 };
	const quire_tensor tensor = { .name = { name, 2 },
				      .dtype = QUIRE_Q4_0,
				      .rank = 2,
				      .shape = { K, N } };
	const quire_linear_entry linear = {
		.name = name, .weight = i, .bias = QUIRE_NO_TENSOR, .k = K
	};

	assert_int_equal(quire_writer_add_tensor(writer, &tensor, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_writer_add_linear(writer, &linear, NULL),
			 QUIRE_OK);
}

/* A container of COUNT linears. `part_size` 0: one file. */
static void write_model(const char *path, uint64_t part_size)
{
	const quire_writer_options options = { .split_size = part_size,
					       .overwrite = true };
	unsigned char *bytes = calloc(1, SIZE);
	quire_writer *writer;

	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (unsigned char)(i % 18 == 1 ? 0x20 : i * 7 % 251);
	assert_int_equal(quire_writer_create(path, &options, &writer, NULL),
			 QUIRE_OK);
	for (size_t i = 0; i < COUNT; i++)
		declare(writer, i);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(
		    quire_writer_write(writer, i, bytes, SIZE, NULL), QUIRE_OK);
	assert_int_equal(quire_writer_finish(writer, NULL), QUIRE_OK);
	quire_writer_free(writer);
	free(bytes);
}

static quire_model *open_model(const char *path)
{
	quire_model *model;

	assert_int_equal(quire_model_open(path, &ahead, &model, NULL),
			 QUIRE_OK);
	return model;
}

/* Not everywhere can it be dropped: a file system may be memory itself. */
static void drop(const char *path)
{
	const int file = quire_file_open(path);

	assert_true(file >= 0);
	(void)quire_file_drop(file);
	quire_file_close(file);
}

/* An emulator may ignore hints: then nothing is read ahead. One hint of 64 KiB
 * is enough for the answer. */
static bool takes_hints(const char *path)
{
	const double end = quire_clock_seconds() + 5;
	const size_t size = (size_t)64 << 10;
	const int file = quire_file_open(path);
	uint64_t resident = 0;
	void *memory;

	drop(path);
	assert_true(file >= 0);
	memory = quire_memory_map(file, size);
	assert_non_null(memory);
	quire_memory_read_ahead(memory, size);
	while (resident < size && quire_clock_seconds() < end)
		assert_true(quire_memory_resident(memory, size, &resident));
	quire_memory_give(memory, size);
	quire_file_close(file);
	drop(path);
	return resident == size;
}

/* Nine tenths of the tensors: the system may pass over a hint where it has no
 * free page at that moment, and take pages back that nobody has touched. A
 * hint for the whole file reads 8 MiB of the 29 at most. */
static bool is_resident(const quire_model *model)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < quire_model_tensor_count(model); i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);
		uint64_t resident;

		assert_true(quire_memory_resident(
		    tensor->data, (size_t)tensor->size, &resident));
		sum += resident;
	}
	return sum / 9 >= (uint64_t)COUNT * SIZE / 10;
}

static void wait_until_resident(const quire_model *model)
{
	const double end = quire_clock_seconds() + PATIENCE;

	while (!is_resident(model)) {
		assert_true(quire_clock_seconds() < end);
		quire_clock_sleep(0.001);
	}
}

static double multiply(const quire_model *model)
{
	const quire_runtime_options two = { .threads = 2 };
	static float x[K], y[N];
	quire_runtime *runtime;
	double sum = 0;

	for (size_t i = 0; i < K; i++)
		x[i] = (float)(i % 7);
	assert_int_equal(quire_runtime_create(&two, &runtime, NULL), QUIRE_OK);
	for (size_t i = 0; i < quire_model_linear_count(model); i++) {
		assert_int_equal(quire_linear_run(runtime,
						  quire_model_linear(model, i),
						  x, 1, y, NULL, NULL),
				 QUIRE_OK);
		for (size_t j = 0; j < N; j++)
			sum += y[j];
	}
	quire_runtime_free(runtime);
	return sum;
}

static void test_reads_all(void **state)
{
	const struct folder *folder = *state;
	quire_model *model;

	write_model(folder->file, 0);
	if (!takes_hints(folder->file))
		skip();
	model = open_model(folder->file);
	assert_non_null(model->ahead);
	wait_until_resident(model);
	quire_model_close(model);
}

static void test_reads_all_parts(void **state)
{
	const struct folder *folder = *state;
	quire_model *model;
	quire_part part;
	char *first;

	write_model(folder->file, 5 * SIZE + (1 << 17));
	first = malloc(strlen(folder->path) + 64);
	assert_non_null(first);
	strcpy(first, folder->path);
	strcat(first, "/model-00001-of-00004.gguf");
	assert_int_equal(quire_model_open(first, NULL, &model, NULL), QUIRE_OK);
	assert_int_equal(quire_model_part_count(model), 4);
	for (size_t i = 0; quire_model_part(model, i, &part); i++)
		drop(part.path);
	quire_model_close(model);
	if (!takes_hints(first)) {
		free(first);
		skip();
	}
	model = open_model(first);
	wait_until_resident(model);
	quire_model_close(model);
	free(first);
}

static void test_multiplies_meanwhile(void **state)
{
	const struct folder *folder = *state;
	quire_model *model;
	double expected;

	write_model(folder->file, 0);
	assert_int_equal(quire_model_open(folder->file, NULL, &model, NULL),
			 QUIRE_OK);
	expected = multiply(model);
	quire_model_close(model);
	for (int i = 0; i < 3; i++) {
		drop(folder->file);
		model = open_model(folder->file);
		assert_true(multiply(model) == expected);
		quire_model_close(model);
	}
}

/* At any moment of the reading. */
static void test_closes_meanwhile(void **state)
{
	const struct folder *folder = *state;

	write_model(folder->file, 0);
	for (int i = 0; i < CLOSES; i++) {
		quire_model *model;

		drop(folder->file);
		model = open_model(folder->file);
		quire_clock_sleep(i * 0.0002);
		quire_model_close(model);
	}
}

static void cut(const char *path, uint64_t size)
{
	const int file = quire_file_open_to_lock(path);

	assert_true(file >= 0);
	assert_true(quire_file_resize(file, size));
	quire_file_close(file);
}

/* Reading ahead must not raise SIGBUS. */
static void test_file_shrinks(void **state)
{
	const struct folder *folder = *state;
	quire_model *model;
	quire_error error;

	for (int i = 0; i < 8; i++) {
		write_model(folder->file, 0);
		drop(folder->file);
		model = open_model(folder->file);
		quire_clock_sleep(i * 0.0005);
		cut(folder->file, 1 << 16);
		quire_clock_sleep(0.002);
		assert_int_equal(quire_model_check_files(model, &error),
				 QUIRE_ERROR_TRUNCATED);
		quire_model_close(model);
	}
}

/* What QUIRE_PREFETCH_POPULATE does, where the file shrinks at that moment. */
static void test_populate_says_where_it_was_cut(void **state)
{
	const struct folder *folder = *state;
	const struct model_part *part;
	quire_model *model;
	quire_error error;
	bool takes;

	write_model(folder->file, 0);
	takes = takes_hints(folder->file);
	assert_int_equal(quire_model_open(folder->file, NULL, &model, NULL),
			 QUIRE_OK);
	part = &model->parts[0];
	assert_int_equal(quire_map_populate(&part->map, part->path, &error),
			 QUIRE_OK);
	/* An emulator that ignores hints ignores this one too, and reads
	 * nothing. */
	if (!takes) {
		quire_model_close(model);
		skip();
	}
	assert_true(is_resident(model));
	cut(folder->file, 5 << 20);
	assert_int_equal(quire_map_populate(&part->map, part->path, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_int_equal(error.offset, 5 << 20);
	assert_string_equal(error.path, folder->file);
	quire_model_close(model);
}

static void test_no_thread(void **state)
{
	const struct folder *folder = *state;
	quire_model *model;

	write_model(folder->file, 0);
	no_threads = true;
	model = open_model(folder->file);
	no_threads = false;
	assert_null(model->ahead);
	assert_true(multiply(model) != 0);
	quire_model_close(model);
}

/* A model that is read into memory has nothing left to read. */
static void test_read_into_memory(void **state)
{
	const quire_open_options both = { .load = QUIRE_LOAD_READ,
					  .prefetch =
					      QUIRE_PREFETCH_WILL_NEED };
	const struct folder *folder = *state;
	quire_model *model;

	write_model(folder->file, 0);
	assert_int_equal(quire_model_open(folder->file, &both, &model, NULL),
			 QUIRE_OK);
	assert_null(model->ahead);
	quire_model_close(model);
}

#ifndef __SANITIZE_THREAD__
static bool close_in_copy(void *context, const struct process_link *link)
{
	(void)link;
	quire_model_close(context);
	return true;
}

/* fork copies the model but not the thread: closing must not wait for it. */
static void test_closes_in_a_copy(void **state)
{
	const struct folder *folder = *state;

	write_model(folder->file, 0);
	for (int i = 0; i < 5; i++) {
		struct process process;
		quire_model *model;

		drop(folder->file);
		model = open_model(folder->file);
		assert_true(
		    quire_process_start(&process, close_in_copy, model));
		assert_true(quire_process_join(&process));
		quire_model_close(model);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(test_reads_all),
		FOLDER_TEST(test_reads_all_parts),
		FOLDER_TEST(test_multiplies_meanwhile),
		FOLDER_TEST(test_closes_meanwhile),
		FOLDER_TEST(test_file_shrinks),
		FOLDER_TEST(test_populate_says_where_it_was_cut),
		FOLDER_TEST(test_no_thread),
		FOLDER_TEST(test_read_into_memory),
/* ThreadSanitizer takes the other threads of a process to be in its fork too,
 * and calls it a race that the copy frees what they have read. */
#ifndef __SANITIZE_THREAD__
		FOLDER_TEST(test_closes_in_a_copy),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
