/*
 * test_sweep.c - tensors of sizes on both sides of every cut that the verifier
 * makes, by any number of threads: each value is XXH3's own.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

#define PIECE	((size_t)512 << 10)
#define I8	((quire_dtype)24)
#define TENSORS (sizeof(sizes) / sizeof(*sizes))

/* More than 4 MiB together: less is hashed by one thread. */
static const size_t sizes[] = {
	PIECE - 1,  PIECE,	    PIECE + 1,
	PIECE + 63, PIECE + 64,	    PIECE + 65,
	1,	    2 * PIECE + 63, 240,
	241,	    5 * PIECE,	    3 * PIECE + 3 * 1024 + 7,
	1024,	    8 * PIECE + 64,
};

struct file {
	char *folder;
	char *path;
	unsigned char *tensors[TENSORS];
};

static void write_tensors(const struct file *file)
{
	const quire_writer_options options = { .alignment = 4096 };
	quire_writer *writer = writing_begin(file->path, &options);

	for (size_t i = 0; i < TENSORS; i++) {
		const char name[] = { (char)('a' + i) };
		const quire_tensor tensor = { .name = { name, 1 },
					      .dtype = I8,
					      .rank = 1,
					      .shape = { sizes[i], 1, 1, 1 } };

		writing_declare(writer, &tensor);
	}
	for (size_t i = 0; i < TENSORS; i++)
		writing_put(writer, i, file->tensors[i], sizes[i]);
	writing_finish(writer);
}

static int set_up(void **state)
{
	struct file *file = malloc(sizeof(*file));
	struct rng rng = { 5 };

	assert_non_null(file);
	file->folder = scratch_make();
	file->path = scratch_path(file->folder, "sizes.gguf");
	for (size_t i = 0; i < TENSORS; i++) {
		file->tensors[i] = malloc(sizes[i]);
		assert_non_null(file->tensors[i]);
		random_bytes(&rng, file->tensors[i], sizes[i]);
	}
	write_tensors(file);
	*state = file;
	return 0;
}

static int tear_down(void **state)
{
	struct file *file = *state;

	for (size_t i = 0; i < TENSORS; i++)
		free(file->tensors[i]);
	free(file->path);
	scratch_remove(file->folder);
	free(file);
	return 0;
}

static quire_model *open_file(const struct file *file, quire_load_mode load)
{
	const quire_open_options options = { .load = load };
	quire_model *model;

	assert_int_equal(quire_model_open(file->path, &options, &model, NULL),
			 QUIRE_OK);
	return model;
}

struct seen {
	uint64_t done, total;
	uint64_t stop_at; /* bytes; 0: never */
	const quire_tensor *damaged;
	uint64_t actual;
	size_t damages;
};

static bool note_progress(void *context, uint64_t done, uint64_t total)
{
	struct seen *seen = context;

	assert_true(done > seen->done && done <= total);
	seen->done = done;
	seen->total = total;
	return !seen->stop_at || done < seen->stop_at;
}

static void note_damage(void *context, const quire_tensor *tensor,
			uint64_t actual)
{
	struct seen *seen = context;

	seen->damaged = tensor;
	seen->actual = actual;
	seen->damages++;
}

static quire_status verify(const quire_model *model, uint32_t threads,
			   struct seen *seen, quire_error *error)
{
	const quire_verify_options how = { .threads = threads,
					   .progress = note_progress,
					   .damage = note_damage,
					   .context = seen };

	return quire_model_verify(model, &how, error);
}

static void test_values_are_the_standard_ones(void **state)
{
	const struct file *file = *state;
	quire_model *model = open_file(file, QUIRE_LOAD_MAP);

	for (size_t i = 0; i < TENSORS; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);

		assert_true(tensor->xxh3 ==
			    XXH3_64bits(file->tensors[i], sizes[i]));
		assert_true(quire_tensor_hash(tensor) == tensor->xxh3);
	}
	quire_model_close(model);
}

static void test_any_number_of_threads(void **state)
{
	static const uint32_t threads[] = { 0, 1, 2, 3, 7, UINT32_MAX };

	for (int load = QUIRE_LOAD_MAP; load <= QUIRE_LOAD_READ; load++) {
		quire_model *model = open_file(*state, (quire_load_mode)load);

		for (size_t i = 0; i < sizeof(threads) / sizeof(*threads);
		     i++) {
			struct seen seen = { 0 };

			assert_int_equal(verify(model, threads[i], &seen, NULL),
					 QUIRE_OK);
			assert_int_equal(seen.damages, 0);
			assert_true(seen.done == seen.total);
		}
		quire_model_close(model);
	}
}

static void put_byte(const struct file *file, uint64_t offset,
		     unsigned char byte)
{
	const int fd = open(file->path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

static void test_damage_anywhere_is_found(void **state)
{
	const struct file *file = *state;
	quire_model *model = open_file(file, QUIRE_LOAD_MAP);
	struct rng rng = { 11 };

	for (size_t i = 0; i < TENSORS; i++) {
		const quire_tensor *tensor = quire_model_tensor(model, i);
		const size_t at = (size_t)random_below(&rng, sizes[i]);
		unsigned char *byte = &file->tensors[i][at];
		struct seen seen = { 0 };

		*byte ^= 16;
		put_byte(file, tensor->offset + at, *byte);
		assert_int_equal(verify(model, 3, &seen, NULL),
				 QUIRE_ERROR_CHECKSUM);
		assert_int_equal(seen.damages, 1);
		assert_ptr_equal(seen.damaged, tensor);
		assert_true(seen.actual ==
			    XXH3_64bits(file->tensors[i], sizes[i]));
		*byte ^= 16;
		put_byte(file, tensor->offset + at, *byte);
	}
	quire_model_close(model);
}

/* Of several, the first in the file, whichever is read first. */
static void test_padding_is_found(void **state)
{
	const struct file *file = *state;
	quire_model *model = open_file(file, QUIRE_LOAD_MAP);
	const quire_tensor *tensor = quire_model_tensor(model, 6);
	const quire_tensor *largest = quire_model_tensor(model, TENSORS - 1);
	const uint64_t offset = tensor->offset + tensor->size + 4094;
	struct seen seen = { 0 };
	quire_error error;

	put_byte(file, offset, 1);
	put_byte(file, largest->offset + largest->size, 1);
	assert_int_equal(verify(model, 2, &seen, &error), QUIRE_ERROR_LAYOUT);
	assert_true(error.offset == offset);
	assert_non_null(strstr(error.message, "[F-23]"));
	put_byte(file, offset, 0);
	put_byte(file, largest->offset + largest->size, 0);
	quire_model_close(model);
}

static void test_cancels_between_pieces(void **state)
{
	quire_model *model = open_file(*state, QUIRE_LOAD_MAP);

	for (uint32_t threads = 1; threads <= 3; threads++) {
		struct seen seen = { .stop_at = 5 * PIECE };

		assert_int_equal(verify(model, threads, &seen, NULL),
				 QUIRE_ERROR_CANCELLED);
		assert_true(seen.done >= seen.stop_at);
		assert_true(seen.done < seen.stop_at + 2 * PIECE);
	}
	quire_model_close(model);
}

static void test_a_cut_file_is_no_signal(void **state)
{
	const struct file *file = *state;
	quire_model *model = open_file(file, QUIRE_LOAD_MAP);
	const quire_tensor *largest = quire_model_tensor(model, TENSORS - 1);
	const uint64_t end = largest->offset + 3 * PIECE + 5;
	struct seen seen = { 0 };
	quire_error error;

	assert_int_equal(truncate(file->path, (off_t)end), 0);
	assert_int_equal(verify(model, 3, &seen, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_true(error.offset == end);
	assert_int_equal(seen.damages, 0);
	quire_model_close(model);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_values_are_the_standard_ones),
		CASE(test_any_number_of_threads),
		CASE(test_damage_anywhere_is_found),
		CASE(test_padding_is_found),
		CASE(test_cancels_between_pieces),
		CASE(test_a_cut_file_is_no_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
