/*
 * test_open.c - the ways of opening: by descriptor, read instead of mapped,
 * prefetched, locked, verified at open or at first use; and files that change
 * underneath.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/support/check.h"
#include "tests/support/sample.h"
#include "tests/support/scratch.h"

/* Its tensors are at 4096, 8192, ..., 20480. */
#define GOLDEN QUIRE_TEST_GOLDEN "/good/container_mixed_4096.gguf"
#define EDITED QUIRE_TEST_GOLDEN "/bad/F-31_value.gguf"

struct file {
	char *folder;
	char *path;
};

static int set_up(void **state)
{
	struct file *file = malloc(sizeof(*file));

	file->folder = scratch_make();
	file->path = scratch_path(file->folder, "model.gguf");
	scratch_copy(GOLDEN, file->path);
	*state = file;
	return 0;
}

static int tear_down(void **state)
{
	struct file *file = *state;

	free(file->path);
	scratch_remove(file->folder);
	free(file);
	return 0;
}

/* Flips a bit of the file. */
static void damage(const struct file *file, size_t at)
{
	scratch_flip(file->path, at, 1);
}

static quire_status try_open(const struct file *file,
			     const quire_open_options *options,
			     quire_error *error)
{
	quire_model *model = NULL;
	const quire_status status =
	    quire_model_open(file->path, options, &model, error);

	if (status == QUIRE_OK) {
		assert_int_equal(quire_model_verify(model, NULL, NULL),
				 QUIRE_OK);
		quire_model_close(model);
	} else {
		assert_null(model);
	}
	return status;
}

static void test_all_ways_open(void **state)
{
	for (int way = 0; way < 36; way++) {
		const quire_open_options options = {
			.verify = (quire_verify_mode)(way % 3),
			.load = (quire_load_mode)(way / 3 % 2),
			.prefetch = (quire_prefetch)(way / 6 % 3),
			.lock = way / 18 % 2 == 1,
		};

		assert_int_equal(try_open(*state, &options, NULL), QUIRE_OK);
	}
}

static void test_wrong_options_are_refused(void **state)
{
	const quire_open_options wrong[] = {
		{ .verify = (quire_verify_mode)3 },
		{ .load = (quire_load_mode)2 },
		{ .prefetch = (quire_prefetch)3 },
	};
	quire_error error;

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(try_open(*state, &wrong[i], &error),
				 QUIRE_ERROR_ARGUMENT);
}

static void test_descriptor_stays_the_callers(void **state)
{
	const struct file *file = *state;
	const int fd = open(file->path, O_RDONLY);
	quire_model *model;
	quire_part part;
	int pipe_ends[2];

	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 17, SEEK_SET), 17);
	assert_int_equal(quire_model_open_fd(fd, NULL, &model, NULL), QUIRE_OK);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 17);
	assert_int_equal(close(fd), 0);
	assert_int_equal(quire_model_check_files(model, NULL), QUIRE_OK);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	assert_int_equal(quire_model_part_count(model), 1);
	assert_true(quire_model_part(model, 0, &part));
	assert_null(part.path);
	assert_int_equal(part.tensor_count, 5);
	assert_false(quire_model_part(model, 1, &part));
	quire_model_close(model);

	model = NULL;
	assert_int_equal(pipe(pipe_ends), 0);
	assert_int_equal(quire_model_open_fd(pipe_ends[0], NULL, &model, NULL),
			 QUIRE_ERROR_IO);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	assert_int_equal(quire_model_open_fd(fd, NULL, &model, NULL),
			 QUIRE_ERROR_IO);
	assert_null(model);
}

/* A descriptor more or less is what a leak shows in. */
static int next_descriptor(void)
{
	const int fd = dup(STDIN_FILENO);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static void test_keeps_no_descriptor_after_close(void **state)
{
	const struct file *file = *state;
	const quire_open_options read = { .load = QUIRE_LOAD_READ };
	const int before = next_descriptor();
	quire_model *model;

	assert_int_equal(quire_model_open(file->path, &read, &model, NULL),
			 QUIRE_OK);
	assert_int_equal(next_descriptor(), before);
	quire_model_close(model);
	assert_int_equal(try_open(file, NULL, NULL), QUIRE_OK);
	damage(file, 100);
	assert_int_not_equal(try_open(file, NULL, NULL), QUIRE_OK);
	assert_int_equal(next_descriptor(), before);
}

static void test_verifies_at_open(void **state)
{
	const quire_open_options now = { .verify = QUIRE_VERIFY_TENSORS };
	const quire_open_options edited = { .verify = QUIRE_VERIFY_TENSORS,
					    .allow_edited_header = true };
	const struct file *file = *state;
	quire_error error;
	quire_model *model;

	damage(file, 8192);
	assert_int_equal(quire_model_open(file->path, &now, &model, &error),
			 QUIRE_ERROR_CHECKSUM);
	assert_int_equal(error.offset, 8192);
	assert_string_equal(error.path, file->path);
	damage(file, 8192);
	damage(file, 8192 + 20); /* padding */
	assert_int_equal(try_open(file, &now, &error), QUIRE_ERROR_LAYOUT);
	damage(file, 8192 + 20);
	/* An edited header does not make the tensors damaged. */
	assert_int_equal(quire_model_open(EDITED, &now, &model, &error),
			 QUIRE_ERROR_CHECKSUM);
	assert_int_equal(quire_model_open(EDITED, &edited, &model, &error),
			 QUIRE_OK);
	quire_model_close(model);
}

static void test_nothing_to_verify_by(void **state)
{
	const char *path = QUIRE_TEST_GOLDEN "/good/foreign_version_3.gguf";
	const quire_open_options now = { .verify = QUIRE_VERIFY_TENSORS };
	const quire_open_options lazy = { .verify = QUIRE_VERIFY_LAZY };
	quire_model *model = NULL;

	(void)state;
	assert_int_equal(quire_model_open(path, &now, &model, NULL),
			 QUIRE_ERROR_NOT_FOUND);
	assert_int_equal(quire_model_open(path, &lazy, &model, NULL),
			 QUIRE_ERROR_NOT_FOUND);
	assert_null(model);
}

/* -------------------------------------------------------------- at first use
 */

static quire_status multiply(quire_runtime *runtime, const quire_model *model,
			     quire_error *error)
{
	const quire_linear *linear = quire_model_find_linear(model, "fc");
	const float x[SAMPLE_K] = { 1 };
	float y[SAMPLE_N];

	return quire_linear_run(runtime, linear, x, 1, y, NULL, error);
}

static void check_first_use(const char *damaged, const quire_model *model,
			    unsigned char *bytes)
{
	const quire_tensor *tensor = quire_model_find_tensor(model, damaged);
	quire_runtime *runtime;
	quire_error error;
	float y;

	assert_int_equal(quire_runtime_create(NULL, &runtime, NULL), QUIRE_OK);
	bytes[tensor->offset] ^= 1;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(multiply(runtime, model, &error),
				 QUIRE_ERROR_CHECKSUM);
		assert_int_equal(error.offset, tensor->offset);
		assert_non_null(strstr(error.message, damaged));
		assert_int_equal(
		    quire_tensor_decode(tensor, 0, 1, 1, &y, &error),
		    QUIRE_ERROR_CHECKSUM);
		assert_int_equal(error.offset, tensor->offset);
	}
	bytes[tensor->offset] ^= 1;
	assert_int_equal(quire_tensor_decode(tensor, 0, 1, 1, &y, NULL),
			 QUIRE_ERROR_CHECKSUM);
	/* Once: it has been judged. */
	assert_int_equal(multiply(runtime, model, &error),
			 QUIRE_ERROR_CHECKSUM);
	quire_runtime_free(runtime);
}

static void test_verifies_at_first_use(void **state)
{
	const quire_open_options lazy = { .verify = QUIRE_VERIFY_LAZY };
	static const char *const names[] = { "w.weight", "bias" };
	const struct file *file = *state;
	unsigned char *bytes;
	quire_model *model;
	quire_runtime *runtime;
	size_t size;

	assert_int_equal(unlink(file->path), 0);
	sample_write(file->path);
	bytes = scratch_read(file->path, &size);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    quire_model_open_memory(bytes, size, &lazy, &model, NULL),
		    QUIRE_OK);
		check_first_use(names[i], model, bytes);
		quire_model_close(model);
	}
	/* What is good stays so, whatever becomes of it: it is asked once. */
	assert_int_equal(quire_runtime_create(NULL, &runtime, NULL), QUIRE_OK);
	assert_int_equal(
	    quire_model_open_memory(bytes, size, &lazy, &model, NULL),
	    QUIRE_OK);
	assert_int_equal(multiply(runtime, model, NULL), QUIRE_OK);
	bytes[quire_model_tensor(model, 0)->offset] ^= 1;
	assert_int_equal(multiply(runtime, model, NULL), QUIRE_OK);
	quire_model_close(model);
	quire_runtime_free(runtime);
	free(bytes);
}

/* A view of one row is not hashed in place of the tensor. */
static void test_views_are_checked_whole(void **state)
{
	const quire_open_options lazy = { .verify = QUIRE_VERIFY_LAZY };
	const struct file *file = *state;
	const float x[64] = { 1 };
	float y[1];
	quire_model *model;
	quire_runtime *runtime;
	quire_tensor row;

	assert_int_equal(unlink(file->path), 0);
	sample_write(file->path);
	assert_int_equal(quire_runtime_create(NULL, &runtime, NULL), QUIRE_OK);
	assert_int_equal(quire_model_open(file->path, &lazy, &model, NULL),
			 QUIRE_OK);
	row = *quire_model_tensor(model, 0);
	row.shape[1] = 1;
	row.size /= SAMPLE_N;
	assert_int_equal(quire_matmul(runtime, &row, x, 1, y, NULL, NULL),
			 QUIRE_OK);
	assert_int_equal(multiply(runtime, model, NULL), QUIRE_OK);
	quire_model_close(model);
	quire_runtime_free(runtime);
}

/* ------------------------------------------------- files that change under it
 */

static void test_tells_of_changes(void **state)
{
	const struct file *file = *state;
	const struct timespec past[2] = { { 1000, 0 }, { 1000, 0 } };
	quire_model *model;
	quire_error error;
	char *other = scratch_path(file->folder, "other");

	assert_int_equal(quire_model_open(file->path, NULL, &model, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_model_check_files(model, &error), QUIRE_OK);
	assert_int_equal(utimensat(AT_FDCWD, file->path, past, 0), 0);
	assert_int_equal(quire_model_check_files(model, &error),
			 QUIRE_ERROR_IO);
	assert_string_equal(error.path, file->path);
	quire_model_close(model);

	assert_int_equal(quire_model_open(file->path, NULL, &model, NULL),
			 QUIRE_OK);
	/* Replaced by renaming: what is mapped is as it was. */
	scratch_write(other, "x", 1);
	assert_int_equal(rename(other, file->path), 0);
	assert_int_equal(quire_model_check_files(model, &error), QUIRE_OK);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	quire_model_close(model);
	free(other);
}

/* As tools do that keep the time of a file: the bytes are others, the size and
 * the time of writing are as before. */
static void test_tells_of_time_put_back(void **state)
{
	const struct timespec tick = { 0, 20000000 }; /* more than one */
	const struct file *file = *state;
	struct timespec times[2];
	char *other = scratch_path(file->folder, "other");
	quire_model *model;
	struct file_facts before;
	quire_error error;

	assert_int_equal(unlink(file->path), 0);
	sample_write(file->path);
	assert_true(quire_path_facts(file->path, &before));
	times[0] = (struct timespec){ 0, UTIME_OMIT };
	times[1] = (struct timespec){ before.written.seconds,
				      before.written.nanoseconds };
	assert_int_equal(quire_model_open(file->path, NULL, &model, NULL),
			 QUIRE_OK);
	nanosleep(&tick, NULL);
	scratch_flip(file->path, (size_t)before.size - 1, 1);
	assert_int_equal(utimensat(AT_FDCWD, file->path, times, 0), 0);
	assert_int_equal(quire_model_check_files(model, &error),
			 QUIRE_ERROR_IO);
	scratch_flip(file->path, (size_t)before.size - 1, 1);
	quire_model_close(model);

	/* Moved away: renaming changes that time too, and no byte. */
	assert_int_equal(quire_model_open(file->path, NULL, &model, NULL),
			 QUIRE_OK);
	nanosleep(&tick, NULL);
	assert_int_equal(rename(file->path, other), 0);
	assert_int_equal(quire_model_check_files(model, &error), QUIRE_OK);
	quire_model_close(model);
	assert_int_equal(rename(other, file->path), 0);
	free(other);
}

static void test_tells_where_it_was_cut(void **state)
{
	const struct file *file = *state;
	quire_model *model;
	quire_error error;

	assert_int_equal(quire_model_open(file->path, NULL, &model, NULL),
			 QUIRE_OK);
	assert_int_equal(truncate(file->path, 8192), 0);
	assert_int_equal(quire_model_check_files(model, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_int_equal(error.offset, 8192);
#ifdef __linux__
	/* Instead of dying; from Linux 5.14 on. */
	assert_int_equal(quire_model_verify(model, NULL, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_int_equal(error.offset, 8192);
#endif
	quire_model_close(model);
}

static void test_memory_does_not_change(void **state)
{
	const quire_open_options read = { .load = QUIRE_LOAD_READ };
	const struct file *file = *state;
	quire_model *model;

	assert_int_equal(quire_model_open(file->path, &read, &model, NULL),
			 QUIRE_OK);
	assert_int_equal(truncate(file->path, 0), 0);
	assert_int_equal(quire_model_check_files(model, NULL), QUIRE_OK);
	assert_int_equal(quire_model_verify(model, NULL, NULL), QUIRE_OK);
	quire_model_close(model);
}

/* Where nothing may be locked, the message says how much may. */
static void test_lock_says_why_not(void **state)
{
	const quire_open_options lock = { .lock = true };
	struct rlimit none, before;
	quire_error error;
	quire_status status;

	if (geteuid() == 0) {
		/* Root may lock whatever the limit is. */
		assert_int_equal(try_open(*state, &lock, &error), QUIRE_OK);
		return;
	}
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	status = try_open(*state, &lock, &error);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	assert_int_equal(status, QUIRE_ERROR_IO);
	assert_non_null(strstr(error.message, "lock"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_all_ways_open),
		CASE(test_wrong_options_are_refused),
		CASE(test_descriptor_stays_the_callers),
		CASE(test_keeps_no_descriptor_after_close),
		CASE(test_verifies_at_open),
		CASE(test_nothing_to_verify_by),
		CASE(test_verifies_at_first_use),
		CASE(test_views_are_checked_whole),
		CASE(test_tells_of_changes),
		CASE(test_tells_of_time_put_back),
		CASE(test_tells_where_it_was_cut),
		CASE(test_memory_does_not_change),
		CASE(test_lock_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
