/*
 * test_diff.c - differences of two models: each kind, and bytes on both sides
 * of every cut into pages and pieces, by any number of threads; counted again
 * byte by byte.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quire.h"
#include "tests/support/check.h"
#include "tests/support/random.h"
#include "tests/support/scratch.h"
#include "tests/support/writing.h"

#define PIECE ((uint64_t)512 << 10)
#define PAGE  ((uint64_t)4096)
#define LARGE (10 * PIECE + 5000) /* threads are worth it */
#define I8    ((quire_dtype)24)
#define I16   ((quire_dtype)25)
#define SAME  ((quire_difference_kind)99)

/* A tensor: in one file, or in both, with bytes that are changed in b. */
struct planned {
	const char *name;
	quire_dtype a_dtype, b_dtype;
	uint64_t a_shape[2], b_shape[2]; /* [0] is 0: not there; [1]: rank 1 */
	uint64_t changed[6];		 /* 1 more than the place; 0: the end */
	quire_difference_kind kind;	 /* SAME: none */
};

static const struct planned planned[] = {
	{ "same", I8, I8, { 100 }, { 100 }, { 0 }, SAME },
	{ "only_a", .a_dtype = I8, .a_shape = { 7 } },
	{ "large",
	  I8,
	  I8,
	  { LARGE },
	  { LARGE },
	  { PAGE, PAGE + 1, PIECE, PIECE + 1, 3 * PIECE + 9, LARGE },
	  QUIRE_DIFFERENCE_BYTES },
	{ "type", I8, I16, { 100 }, { 50 }, { 3 }, QUIRE_DIFFERENCE_DTYPE },
	{ "type_and_size",
	  I8,
	  I16,
	  { 9 },
	  { 9 },
	  { 0 },
	  QUIRE_DIFFERENCE_DTYPE },
	{ "shape", I8, I8, { 60 }, { 6, 10 }, { 0 }, QUIRE_DIFFERENCE_SHAPE },
	{ "size", I8, I8, { 60 }, { 61 }, { 0 }, QUIRE_DIFFERENCE_SHAPE },
	{ "first", I8, I8, { 5 }, { 5 }, { 1 }, QUIRE_DIFFERENCE_BYTES },
	{ "last",
	  I8,
	  I8,
	  { 2 * PIECE + 1 },
	  { 2 * PIECE + 1 },
	  { 2 * PIECE + 1 },
	  QUIRE_DIFFERENCE_BYTES },
	{ "only_b", .b_dtype = I8, .b_shape = { 8 },
	  .kind = QUIRE_DIFFERENCE_ONLY_B },
};

#define COUNT (sizeof(planned) / sizeof(*planned))

struct files {
	char *folder, *a_path, *b_path;
	quire_model *a, *b;
};

static quire_tensor declare(const char *name, quire_dtype dtype,
			    const uint64_t shape[2])
{
	return (quire_tensor){
		.name = { name, strlen(name) },
		.dtype = dtype,
		.rank = shape[1] ? 2 : 1,
		.shape = { shape[0], shape[1] ? shape[1] : 1, 1, 1 },
	};
}

static uint64_t size_of(quire_dtype dtype, const uint64_t shape[2])
{
	return shape[0] * (shape[1] ? shape[1] : 1) * (dtype == I16 ? 2 : 1);
}

/* The tensors of b are in reverse: their order plays no part. */
static void write_file(const char *path, bool is_b)
{
	const quire_writer_options options = { .alignment = 64 };
	quire_writer *writer = writing_begin(path, &options);
	const struct planned *order[COUNT];
	size_t count = 0;

	for (size_t i = 0; i < COUNT; i++) {
		const struct planned *p = &planned[is_b ? COUNT - 1 - i : i];
		const quire_tensor tensor =
		    declare(p->name, is_b ? p->b_dtype : p->a_dtype,
			    is_b ? p->b_shape : p->a_shape);

		if (tensor.shape[0] == 0)
			continue;
		writing_declare(writer, &tensor);
		order[count++] = p;
	}
	for (size_t i = 0; i < count; i++) {
		const struct planned *p = order[i];
		const uint64_t size = size_of(is_b ? p->b_dtype : p->a_dtype,
					      is_b ? p->b_shape : p->a_shape);
		unsigned char *bytes = malloc(size);
		struct rng rng = { (uint64_t)(p - planned) + 1 };

		assert_non_null(bytes);
		random_bytes(&rng, bytes, size);
		for (size_t j = 0; is_b && j < 6 && p->changed[j]; j++)
			bytes[p->changed[j] - 1] ^= (unsigned char)(1U << j);
		writing_put(writer, i, bytes, size);
		free(bytes);
	}
	writing_finish(writer);
}

static int set_up(void **state)
{
	struct files *files = calloc(1, sizeof(*files));

	assert_non_null(files);
	files->folder = scratch_make();
	files->a_path = scratch_path(files->folder, "a.gguf");
	files->b_path = scratch_path(files->folder, "b.gguf");
	write_file(files->a_path, false);
	write_file(files->b_path, true);
	files->a = writing_open(files->a_path);
	files->b = writing_open(files->b_path);
	*state = files;
	return 0;
}

static int tear_down(void **state)
{
	struct files *files = *state;

	quire_model_close(files->a);
	quire_model_close(files->b);
	free(files->a_path);
	free(files->b_path);
	scratch_remove(files->folder);
	free(files);
	return 0;
}

struct seen {
	quire_difference found[COUNT];
	size_t count;
	uint64_t done, total;
	uint64_t stop_at; /* bytes; 0: never */
};

static void note(void *context, const quire_difference *difference)
{
	struct seen *seen = context;

	assert_true(seen->count < COUNT);
	seen->found[seen->count++] = *difference;
}

static bool note_progress(void *context, uint64_t done, uint64_t total)
{
	struct seen *seen = context;

	assert_true(done > seen->done && done <= total);
	seen->done = done;
	seen->total = total;
	return !seen->stop_at || done < seen->stop_at;
}

static quire_status diff(const quire_model *a, const quire_model *b,
			 uint32_t threads, struct seen *seen,
			 quire_error *error)
{
	const quire_diff_options options = { .threads = threads,
					     .progress = note_progress,
					     .difference = note,
					     .context = seen };
	size_t count = 12345;
	const quire_status status =
	    quire_model_diff(a, b, &options, &count, error);

	assert_true(count == (status == QUIRE_OK ? seen->count : 12345));
	return status;
}

/* The numbers of a difference, counted byte by byte. */
static void check_numbers(const quire_difference *found)
{
	const unsigned char *a = found->a ? found->a->data : NULL;
	const unsigned char *b = found->b ? found->b->data : NULL;
	uint64_t first = QUIRE_NO_OFFSET, bytes = 0, pages = 0;
	uint64_t page = UINT64_MAX;

	for (uint64_t i = 0;
	     a && b && found->a->size == found->b->size && i < found->a->size;
	     i++) {
		if (a[i] == b[i])
			continue;
		if (bytes++ == 0)
			first = i;
		pages += page != i / PAGE;
		page = i / PAGE;
	}
	assert_true(found->first == first);
	assert_true(found->bytes == bytes);
	assert_true(found->pages == pages);
}

static bool is_named(const quire_tensor *tensor, const char *name)
{
	return !tensor || (tensor->name.size == strlen(name) &&
			   memcmp(tensor->name.data, name, strlen(name)) == 0);
}

static void check_all(const struct seen *seen)
{
	const quire_difference *found = seen->found;

	for (size_t i = 0; i < COUNT; i++) {
		if (planned[i].kind == SAME)
			continue;
		assert_true(found < seen->found + seen->count);
		assert_int_equal(found->kind, planned[i].kind);
		assert_true(!found->a == !planned[i].a_shape[0]);
		assert_true(!found->b == !planned[i].b_shape[0]);
		assert_true(is_named(found->a, planned[i].name));
		assert_true(is_named(found->b, planned[i].name));
		check_numbers(found++);
	}
	assert_ptr_equal(found, seen->found + seen->count);
}

static void test_finds_every_kind(void **state)
{
	const struct files *files = *state;

	for (uint32_t threads = 0; threads <= 5; threads++) {
		struct seen seen = { 0 };

		assert_int_equal(diff(files->a, files->b, threads, &seen, NULL),
				 QUIRE_OK);
		check_all(&seen);
		assert_true(seen.done == seen.total);
		/* "same", "large", "type", "shape", "first" and "last" */
		assert_true(seen.total ==
			    100 + LARGE + 100 + 60 + 5 + 2 * PIECE + 1);
	}
}

static void test_one_tensor_with_another(void **state)
{
	const struct files *files = *state;
	quire_difference found;

	for (size_t i = 0; i < COUNT; i++) {
		const quire_tensor *a =
		    quire_model_find_tensor(files->a, planned[i].name);
		const quire_tensor *b =
		    quire_model_find_tensor(files->b, planned[i].name);

		if (!a || !b)
			continue;
		found.kind = 77;
		assert_true(quire_tensor_diff(a, b, &found) ==
			    (planned[i].kind != SAME));
		if (planned[i].kind == SAME) {
			assert_int_equal(found.kind, 77);
			continue;
		}
		assert_int_equal(found.kind, planned[i].kind);
		assert_ptr_equal(found.a, a);
		assert_ptr_equal(found.b, b);
		check_numbers(&found);
	}
}

static void test_a_model_does_not_differ_from_itself(void **state)
{
	const struct files *files = *state;
	struct seen seen = { 0 };
	size_t count = 7;

	assert_int_equal(diff(files->a, files->a, 0, &seen, NULL), QUIRE_OK);
	assert_int_equal(seen.count, 0);
	assert_int_equal(
	    quire_model_diff(files->b, files->b, NULL, &count, NULL), QUIRE_OK);
	assert_int_equal(count, 0);
}

static void test_counts_without_a_function(void **state)
{
	const struct files *files = *state;
	size_t count = 0;

	assert_int_equal(
	    quire_model_diff(files->a, files->b, NULL, &count, NULL), QUIRE_OK);
	assert_int_equal(count, COUNT - 1);
}

static void test_cancels(void **state)
{
	const struct files *files = *state;

	for (uint32_t threads = 1; threads <= 3; threads++) {
		struct seen seen = { .stop_at = 2 * PIECE };
		quire_error error;

		assert_int_equal(
		    diff(files->a, files->b, threads, &seen, &error),
		    QUIRE_ERROR_CANCELLED);
		assert_int_equal(error.status, QUIRE_ERROR_CANCELLED);
		assert_int_equal(seen.count, 0);
		assert_true(seen.done < seen.total);
	}
}

/* Reading bytes that are gone is an error, and no SIGBUS. */
static void test_a_file_that_was_cut(void **state)
{
	const struct files *files = *state;

	struct seen seen = { 0 };
	quire_error error;

	assert_int_equal(truncate(files->b_path, 3 * 4096), 0);
	assert_int_equal(diff(files->a, files->b, 2, &seen, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_string_equal(error.path, files->b_path);
	assert_int_equal(error.offset, 3 * 4096);
	assert_int_equal(truncate(files->a_path, 2 * 4096), 0);
	assert_int_equal(diff(files->a, files->a, 2, &seen, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_string_equal(error.path, files->a_path);
	assert_int_equal(seen.count, 0);
}

static void test_models_without_tensors(void **state)
{
	const struct files *files = *state;
	char *path = scratch_path(files->folder, "none.gguf");
	quire_model *none;
	struct seen seen = { 0 };

	writing_finish(writing_begin(path, NULL));
	none = writing_open(path);
	assert_int_equal(diff(none, none, 0, &seen, NULL), QUIRE_OK);
	assert_int_equal(seen.count, 0);
	assert_int_equal(diff(none, files->a, 0, &seen, NULL), QUIRE_OK);
	assert_int_equal(seen.count, COUNT - 1);
	assert_int_equal(seen.found[0].kind, QUIRE_DIFFERENCE_ONLY_B);
	quire_model_close(none);
	free(path);
}

static void test_names_of_kinds(void **state)
{
	(void)state;
	assert_string_equal(quire_difference_name(QUIRE_DIFFERENCE_ONLY_A),
			    "only in a");
	assert_string_equal(quire_difference_name(QUIRE_DIFFERENCE_BYTES),
			    "bytes");
	assert_non_null(quire_difference_name((quire_difference_kind)99));
}

static void test_hashes_are_those_of_the_file(void **state)
{
	const struct files *files = *state;

	for (uint32_t threads = 0; threads <= 3; threads++) {
		const quire_verify_options options = { .threads = threads };
		uint64_t hashes[COUNT] = { 0 };

		assert_int_equal(
		    quire_model_hash(files->a, &options, hashes, NULL),
		    QUIRE_OK);
		for (size_t i = 0; i < COUNT - 1; i++)
			assert_true(hashes[i] ==
				    quire_model_tensor(files->a, i)->xxh3);
	}
}

static void test_hashing_cancels_and_fails(void **state)
{
	const struct files *files = *state;
	struct seen seen = { .stop_at = 2 * PIECE };
	const quire_verify_options options = { .progress = note_progress,
					       .context = &seen };
	uint64_t hashes[COUNT];
	quire_error error;

	assert_int_equal(quire_model_hash(files->a, &options, hashes, &error),
			 QUIRE_ERROR_CANCELLED);
	assert_int_equal(truncate(files->a_path, 3 * 4096), 0);
	assert_int_equal(quire_model_hash(files->a, NULL, hashes, &error),
			 QUIRE_ERROR_TRUNCATED);
	assert_string_equal(error.path, files->a_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_finds_every_kind),
		TEST(test_one_tensor_with_another),
		TEST(test_a_model_does_not_differ_from_itself),
		TEST(test_counts_without_a_function),
		TEST(test_cancels),
		TEST(test_a_file_that_was_cut),
		TEST(test_models_without_tensors),
		TEST(test_names_of_kinds),
		TEST(test_hashes_are_those_of_the_file),
		TEST(test_hashing_cancels_and_fails),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
