/*
 * test_file_hash.c - files with sizes on both sides of every boundary between
 * pieces, by any number of threads: the hash is XXH3's own. A file that cannot
 * be read is an error.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "convert/onnx/onnx.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"

#define PIECE	 ((size_t)256 << 10)
#define LARGEST	 (33 * PIECE + 65)
#define CROWD	 UINT32_C(7)
#define TOO_MANY UINT32_C(100000)

/* From 4 MiB (16 pieces) on, several threads hash. */
static const size_t sizes[] = {
	0,
	1,
	240,
	241,
	1024,
	PIECE - 1,
	PIECE,
	PIECE + 1,
	PIECE + 63,
	PIECE + 64,
	PIECE + 65,
	16 * PIECE,
	16 * PIECE + 63,
	16 * PIECE + 64,
	17 * PIECE + 1025,
	32 * PIECE,
	32 * PIECE + 64,
	LARGEST,
};

static unsigned char *make_bytes(void)
{
	struct rng rng = { 11 };
	unsigned char *bytes = malloc(LARGEST);

	assert_non_null(bytes);
	random_bytes(&rng, bytes, LARGEST);
	return bytes;
}

static void test_sizes(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "bytes");
	unsigned char *bytes = make_bytes();

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct onnx_file *file;

		scratch_write(path, bytes, sizes[i]);
		assert_int_equal(quire_onnx_file_open(path, &file, NULL),
				 QUIRE_OK);
		for (uint32_t threads = 0; threads <= CROWD; threads++) {
			uint64_t xxh3 = 0;

			assert_int_equal(
			    quire_onnx_file_hash(file, threads, &xxh3, NULL),
			    QUIRE_OK);
			assert_true(xxh3 == XXH3_64bits(bytes, sizes[i]));
		}
		quire_onnx_file_close(file);
	}
	free(bytes);
	free(path);
	scratch_remove(folder);
}

static void test_refused(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "bytes");
	unsigned char *bytes = make_bytes();
	quire_error error = { .status = QUIRE_OK };
	struct onnx_file *file;
	uint64_t xxh3 = 5;

	(void)state;
	scratch_write(path, bytes, LARGEST);
	assert_int_equal(quire_onnx_file_open(path, &file, NULL), QUIRE_OK);
	assert_int_equal(quire_onnx_file_hash(file, TOO_MANY, &xxh3, &error),
			 QUIRE_ERROR_ARGUMENT);
	for (uint32_t threads = 1; threads <= CROWD; threads++) {
		assert_int_equal(truncate(path, (off_t)(20 * PIECE)), 0);
		assert_int_equal(
		    quire_onnx_file_hash(file, threads, &xxh3, &error),
		    QUIRE_ERROR_IO);
		assert_non_null(strstr(error.message, "ends at byte"));
		assert_int_equal(quire_onnx_file_check(file, &error),
				 QUIRE_ERROR_IO);
		assert_non_null(strstr(error.message, "changed while"));
	}
	assert_int_equal(xxh3, 5);
	quire_onnx_file_close(file);
	free(bytes);
	free(path);
	scratch_remove(folder);
}

/* A source whose bytes changed, and whose time of writing was put back; and one
 * in whose place another file of the same size and time stands. */
static void test_tells_of_time_put_back(void **state)
{
	char *folder = scratch_make();
	char *path = scratch_path(folder, "model.onnx");
	char *other = scratch_path(folder, "other.onnx");
	struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };
	const struct timespec tick = { 0, 20000000 }; /* more than one */
	struct onnx_file *file;

	(void)state;
	scratch_write(path, "abc", 3);
	scratch_write(other, "abc", 3);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, other, times, 0), 0);
	assert_int_equal(quire_onnx_file_open(path, &file, NULL), QUIRE_OK);
	assert_int_equal(quire_onnx_file_check(file, NULL), QUIRE_OK);
	nanosleep(&tick, NULL);
	scratch_write(path, "xyz", 3);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(quire_onnx_file_check(file, NULL), QUIRE_ERROR_IO);
	quire_onnx_file_close(file);

	assert_int_equal(quire_onnx_file_open(path, &file, NULL), QUIRE_OK);
	quire_onnx_file_release(file);
	assert_int_equal(quire_onnx_file_check(file, NULL), QUIRE_OK);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(quire_onnx_file_check(file, NULL), QUIRE_ERROR_IO);
	quire_onnx_file_close(file);
	free(other);
	free(path);
	scratch_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tells_of_time_put_back),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
