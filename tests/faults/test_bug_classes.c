/*
 * test_bug_classes.c - the classes of bugs that readers of GGUF have had, each
 * by its name: a file that shows it, and what this reader answers. Each file is
 * opened from the disk and from memory that ends with it, within the memory
 * that docs/trust.md promises.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/touch.h"
#include "tests/support/check.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/scratch.h"

/* The most memory of an open, beyond the file. */
#define MEMORY_MAX ((size_t)16 << 20)

struct bug {
	const char *name; /* the class, and where it was seen */
	const char *file; /* in golden/bad */
	quire_status status;
	const char *rule;
};

#define LAYOUT	  QUIRE_ERROR_LAYOUT
#define TRUNCATED QUIRE_ERROR_TRUNCATED

static const struct bug bugs[] = {
	{ "count x size overflow, tensors (CVE-2024-21836)",
	  "F-04_tensor_count_wraps_with_33", LAYOUT, "[F-4]" },
	{ "count x size overflow, keys (CVE-2024-23605)",
	  "F-04_value_count_wraps_with_14", LAYOUT, "[F-4]" },
	{ "count x size overflow, array (CVE-2024-21825)",
	  "F-03_array_count_u64_wraps_to_0", TRUNCATED, "[F-3]" },
	{ "count x size overflow, array, to a few bytes",
	  "F-03_array_count_u32_wraps_to_4", TRUNCATED, "[F-3]" },
	{ "length + 1 overflow, string (CVE-2024-23496)",
	  "F-03_string_size_greatest", TRUNCATED, "[F-3]" },
	{ "length that wraps to an earlier offset",
	  "F-03_key_size_wraps_to_start", TRUNCATED, "[F-3]" },
	{ "dims overflow (CVE-2024-21802)", "F-18_elements_wrap_to_0", LAYOUT,
	  "[F-18]" },
	{ "dims overflow to a small count", "F-18_elements_wrap_to_2", LAYOUT,
	  "[F-18]" },
	{ "sum of sizes (CVE-2025-53630)", "F-18_sum", LAYOUT, "[F-18]" },
	{ "sum of sizes, signed", "F-18_sum_wraps_signed", LAYOUT, "[F-18]" },
	{ "overhead + size (CVE-2026-27940)", "F-21_greatest", TRUNCATED,
	  "[F-21]" },
	{ "nbytes wrap (CVE-2026-33298)", "F-18_bytes_wrap", LAYOUT, "[F-18]" },
	{ "nbytes wrap to 0", "F-18_bytes_wrap_to_0", LAYOUT, "[F-18]" },
	{ "pad wrap", "F-18_pad", LAYOUT, "[F-18]" },
	{ "pad wrap of the sum", "F-18_pad_of_sum", LAYOUT, "[F-18]" },
	{ "zero dim division", "F-15_0", LAYOUT, "[F-15]" },
	{ "zero dim division, after a huge one", "F-15_18446744073709551615x0",
	  LAYOUT, "[F-15]" },
	{ "alignment of a wrong type", "F-11_string", LAYOUT, "[F-11]" },
	{ "alignment, huge", "F-11_2147483648", LAYOUT, "[F-11]" },
	{ "alignment, zero", "F-11_0", LAYOUT, "[F-11]" },
	{ "empty key", "F-06_empty", LAYOUT, "[F-6]" },
	{ "negative type id", "F-16_4294967295", LAYOUT, "[F-16]" },
	{ "unknown type id", "F-16_43", LAYOUT, "[F-16]" },
	{ "removed type id, of size 0", "F-16_4", LAYOUT, "[F-16]" },
	{ "negative value type", "F-08_type_4294967295", LAYOUT, "[F-8]" },
	{ "n_dims unbounded", "F-14_4294967295", LAYOUT, "[F-14]" },
	{ "n_dims one too many", "F-14_5", LAYOUT, "[F-14]" },
	{ "allocation bomb: tensors", "F-04_tensor_count_greatest", LAYOUT,
	  "[F-4]" },
	{ "allocation bomb: keys", "F-04_value_count_greatest", LAYOUT,
	  "[F-4]" },
	{ "allocation bomb: array of strings",
	  "F-03_array_count_string_greatest", TRUNCATED, "[F-3]" },
	{ "allocation bomb: string", "F-03_string_size_just_past", TRUNCATED,
	  "[F-3]" },
	{ "nested-array recursion", "F-10_deep", LAYOUT, "[F-10]" },
	{ "tensor past the end (CVE-2026-7482)", "F-21_one_byte", TRUNCATED,
	  "[F-21]" },
	{ "tensor past the end, far (CVE-2024-12055)", "F-21_huge", TRUNCATED,
	  "[F-21]" },
	{ "tensor offset past the end", "F-19_far", LAYOUT, "[F-19]" },
	{ "metadata past the end (CVE-2025-62609)", "F-03_cut_payload_number",
	  TRUNCATED, "[F-3]" },
	{ "metadata past the end, in an array", "F-03_cut_array", TRUNCATED,
	  "[F-3]" },
	{ "data start past the end", "F-21_no_data", TRUNCATED, "[F-21]" },
	{ "array element type confusion: checksums", "F-32_tensors_string",
	  LAYOUT, "[F-32]" },
	{ "array element type confusion: strings", "F-34_source_u64", LAYOUT,
	  "[F-34]" },
	{ "array element type confusion: columns", "F-35_k_type", LAYOUT,
	  "[F-35]" },
	{ "array for a string", "F-27_architecture_array", LAYOUT, "[F-27]" },
	{ "duplicate tensor names", "F-13_apart", LAYOUT, "[F-13]" },
	{ "duplicate keys", "F-07_other_type", LAYOUT, "[F-7]" },
	{ "duplicate layer names", "F-36_twice", LAYOUT, "[F-36]" },
	{ "embedded NUL in a name", "F-12_nul", LAYOUT, "[F-12]" },
	{ "embedded NUL in a key", "F-06_nul", LAYOUT, "[F-6]" },
};

#define BUG_COUNT (sizeof(bugs) / sizeof(bugs[0]))
#define OWN_COUNT 3 /* tests that are not a file of golden/bad */

static char *golden(const char *folder, const char *name)
{
	char file[96];

	snprintf(file, sizeof(file), "%s/%s.gguf", folder, name);
	return scratch_path(QUIRE_GOLDEN, file);
}

static void check_refused(const struct bug *bug, quire_status status,
			  const quire_error *error)
{
	if (status != bug->status || !strstr(error->message, bug->rule))
		fail_msg("%s instead of %s %s: %s", quire_status_name(status),
			 quire_status_name(bug->status), bug->rule,
			 error->message);
}

static void test_bug(void **state)
{
	const struct bug *bug = *state;
	char *path = golden("bad", bug->file);
	const size_t held = failing_malloc_held();
	quire_error error = { .status = QUIRE_OK };
	quire_model *model;
	unsigned char *bytes;
	size_t size;

	failing_malloc_watch();
	check_refused(bug, quire_model_open(path, NULL, &model, &error),
		      &error);
	assert_true(failing_malloc_peak() - held < MEMORY_MAX);
	bytes = scratch_read(path, &size);
	bytes = realloc(bytes, size); /* memory that ends with the file */
	assert_non_null(bytes);
	check_refused(
	    bug, quire_model_open_memory(bytes, size, NULL, &model, &error),
	    &error);
	free(bytes);
	assert_int_equal(failing_malloc_held(), held);
	free(path);
}

/* UBSan finds a load through a pointer that is not aligned for its type. */
static void test_unaligned(void **state)
{
	char *path = golden("good", "container_every_value");
	quire_model *model;
	unsigned char *bytes, *moved;
	size_t size;

	(void)state;
	bytes = scratch_read(path, &size);
	moved = malloc(size + 8);
	assert_non_null(moved);
	for (size_t odd = 0; odd < 8; odd++) {
		memcpy(moved + odd, bytes, size);
		assert_int_equal(quire_model_open_memory(moved + odd, size,
							 NULL, &model, NULL),
				 QUIRE_OK);
		assert_int_equal(touch_model(model, 2), QUIRE_OK);
		quire_model_close(model);
	}
	free(moved);
	free(bytes);
	free(path);
}

/* A count that fits the file if each item has its least size, and so passes the
 * first check. The memory for it is a fixed multiple of the file. */
static void test_largest_count(void **state)
{
	const size_t size = (size_t)1 << 20;
	unsigned char *bytes = calloc(size, 1);
	const size_t held = failing_malloc_held();
	const uint64_t values = (size - 24) / 14;
	quire_model *model;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, "GGUF\3", 5);
	for (int i = 0; i < 8; i++)
		bytes[16 + i] = (unsigned char)(values >> (8 * i));
	failing_malloc_watch();
	assert_int_equal(
	    quire_model_open_memory(bytes, size, NULL, &model, NULL), LAYOUT);
	assert_true(failing_malloc_peak() - held < MEMORY_MAX);
	assert_int_equal(failing_malloc_held(), held);
	free(bytes);
}

/* The first part of a set of 65,535, the most that a u16 holds. The other parts
 * do not exist. */
static void test_largest_set(void **state)
{
	static const char key[] = "split.count";
	char *source = golden("good", "set_foreign-00001-of-00002");
	char *folder = scratch_make();
	char *path = scratch_path(folder, "bomb-00001-of-65535.gguf");
	quire_model *model;
	unsigned char *bytes;
	size_t size, at = 0, held;

	(void)state;
	bytes = scratch_read(source, &size);
	while (at < size && memcmp(bytes + at, key, sizeof(key) - 1) != 0)
		at++;
	at += sizeof(key) - 1 + 4; /* the key and the type */
	assert_true(at + 2 < size);
	memset(bytes + at, 0xFF, 2);
	scratch_write(path, bytes, size);
	held = failing_malloc_held();
	failing_malloc_watch();
	assert_int_equal(quire_model_open(path, NULL, &model, NULL),
			 QUIRE_ERROR_NOT_FOUND);
	assert_true(failing_malloc_peak() - held < MEMORY_MAX);
	assert_int_equal(failing_malloc_held(), held);
	free(bytes);
	free(path);
	free(source);
	scratch_remove(folder);
}

int main(void)
{
	struct CMUnitTest tests[OWN_COUNT + BUG_COUNT] = {
		cmocka_unit_test(test_unaligned),
		cmocka_unit_test(test_largest_count),
		cmocka_unit_test(test_largest_set),
	};
	int failures;

	tests[0].name = "unaligned packed access under UBSan";
	tests[1].name = "allocation bomb: the largest count that fits";
	tests[2].name = "allocation bomb: parts of a split set";
	for (size_t i = 0; i < BUG_COUNT; i++) {
		tests[i + OWN_COUNT].name = bugs[i].name;
		tests[i + OWN_COUNT].test_func = test_bug;
		tests[i + OWN_COUNT].initial_state =
		    (void *)(uintptr_t)&bugs[i];
	}
	failures =
	    cmocka_run_group_tests_name("bug classes", tests, NULL, NULL);
	if (failures == 0)
		printf("survived %zu bug classes\n", OWN_COUNT + BUG_COUNT);
	return failures;
}
