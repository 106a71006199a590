/*
 * test_host.c - the host with a fake device that is small, old, broken or
 * without shared memory. test_batches.c has tests with a normal one.
 */
#include <stdlib.h>
#include <string.h>

#include "metal/messages.h"
#include "tests/metal/fake_metal.h"
#include "tests/metal/fake_objects.h"
#include "tests/metal/model_run.h"
#include "tests/support/check.h"

static void run_all(quire_runtime *runtime, const quire_model *model, size_t m)
{
	for (size_t i = 0; i < quire_model_linear_count(model); i++)
		run_whole(runtime, quire_model_linear(model, i), m, QUIRE_F32,
			  QUIRE_F32);
}

/* Every selector of the table has a method in the fake. That its types are
 * those of the table is checked by the compiler. */
static void test_selectors(void **state)
{
	(void)state;
	for (int i = 0; i < SELECTOR_COUNT; i++)
		if (!fake_knows(quire_metal_selector((enum metal_selector)i)))
			fail_msg("%s", (const char *)quire_metal_selector(
					   (enum metal_selector)i));
}

/* Views of `pages` pages, for several numbers: every tensor then crosses the
 * end of a view at least once. */
static void try_views(const quire_model *model, size_t from, size_t to,
		      size_t step)
{
	for (size_t pages = from; pages <= to; pages += step) {
		quire_runtime *runtime;

		fake_metal_reset();
		fake_metal.max_buffer = 4096 * pages + 123;
		runtime = runtime_open(QUIRE_DEVICE_METAL);
		runtime_attach(runtime, model);
		assert_true(fake_metal_counts().views > 1);
		run_all(runtime, model, 1);
		quire_runtime_detach(runtime, model);
		quire_runtime_free(runtime);
	}
}

/* The largest tensor of the model has exactly 81 pages of 4 KiB. That of the
 * ragged one has 5, and begins anywhere in a page. */
static void test_views(void **state)
{
	quire_model *model = model_open();
	quire_model *ragged = model_open_ragged();

	(void)state;
	try_views(model, 82, 100, 6);
	try_views(ragged, 6, 9, 1);
	quire_model_close(model);
	quire_model_close(ragged);
}

static void test_tensor_too_large(void **state)
{
	quire_model *model = model_open();
	quire_runtime_info info;
	quire_runtime *runtime;
	quire_error error;

	(void)state;
	fake_metal.max_buffer = 4096 * 50;
	runtime = runtime_open(QUIRE_DEVICE_METAL);
	assert_int_equal(quire_runtime_attach(runtime, model, &error),
			 QUIRE_ERROR_UNSUPPORTED);
	assert_non_null(strstr(error.message, "larger"));
	quire_runtime_describe(runtime, &info);
	assert_int_equal(info.mapped_size, 0);
	quire_runtime_free(runtime);
	quire_model_close(model);
}

static void test_pages(void **state)
{
	static const size_t pages[] = { 4096, 16384 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		quire_runtime *runtime;
		struct guarded memory;
		quire_model *model = model_open_aligned(&memory);

		fake_metal.page_size = pages[i];
		fake_metal.max_buffer = 16384 * 27;
		runtime = runtime_open(QUIRE_DEVICE_METAL);
		runtime_attach(runtime, model);
		run_all(runtime, model, 2);
		quire_runtime_free(runtime);
		quire_model_close(model);
		guarded_free(&memory);
	}
}

/* Bytes of the model change after attach. The device must not see it. */
static void test_not_unified(void **state)
{
	struct guarded memory;
	quire_model *model = model_open_aligned(&memory);
	quire_runtime_info info;
	quire_runtime *runtime;
	struct run run = { .linear = quire_model_linear(model, 0), .m = 3 };
	unsigned char *weights =
	    memory.data +
	    ((const unsigned char *)run.linear->weight->data - memory.data);

	(void)state;
	fake_metal.not_unified = true;
	fake_metal.max_buffer = 4096 * 100;
	runtime = runtime_open(QUIRE_DEVICE_METAL);
	runtime_attach(runtime, model);
	quire_runtime_describe(runtime, &info);
	assert_false(info.unified_memory);
	assert_int_equal(info.mapped_size, 0);
	assert_true(info.copied_size > 1000000);
	run_create(&run, 4);
	weights[10] ^= 0xFF;
	run_do(&run, runtime);
	weights[10] ^= 0xFF;
	run_check(&run);
	run_free(&run);
	run_all(runtime, model, 1);
	quire_runtime_free(runtime);
	quire_model_close(model);
	guarded_free(&memory);
}

/* Runs all linears with 19 rows on a device that is not of the family Apple7,
 * and checks which kernels it takes. */
static void try_old_family(bool expect_tiles)
{
	quire_model *model = model_open();
	quire_runtime_info info;
	quire_runtime *runtime;
	long tiles;

	fake_metal.family = 1005;
	runtime = runtime_open(QUIRE_DEVICE_METAL);
	quire_runtime_describe(runtime, &info);
	assert_int_equal(info.mapped_size, 0);
	runtime_attach(runtime, model);
	tiles = fake_metal_counts().tiles;
	run_all(runtime, model, 19);
	assert_true((fake_metal_counts().tiles > tiles) == expect_tiles);
	quire_runtime_free(runtime);
	quire_model_close(model);
}

/* Matrices of simdgroups are used where the family promises them or a trial
 * works. */
static void test_simdgroup_matrices(void **state)
{
	(void)state;
	try_old_family(true);
	fake_metal_reset();
	fake_metal.no_matrices = true;
	try_old_family(false);
	fake_metal_reset();
	fake_metal.wrong_matrices = true;
	try_old_family(false);
	assert_true(fake_metal_counts().tiles > 0);
	fake_metal_reset();
	fake_metal.max_memory = 4096;
	try_old_family(false);
	fake_metal_reset();
	fake_metal.failing_buffer = 0;
	try_old_family(false);
	/* On a device of Apple7 there is no trial. */
	fake_metal_reset();
	quire_runtime_free(runtime_open(QUIRE_DEVICE_METAL));
	assert_int_equal(fake_metal_counts().tiles, 0);
}

static void expect_no_device(const char *word)
{
	const quire_runtime_options options = { .device = QUIRE_DEVICE_METAL,
						.threads = 1 };
	quire_runtime *runtime = NULL;
	quire_runtime_info info;
	quire_status status;
	quire_error error;

	status = quire_runtime_create(&options, &runtime, &error);
	assert_int_not_equal(status, QUIRE_OK);
	assert_null(runtime);
	assert_non_null(strstr(error.message, word));
	runtime = runtime_open(QUIRE_DEVICE_BEST);
	quire_runtime_describe(runtime, &info);
	assert_int_equal(info.device, QUIRE_DEVICE_CPU);
	quire_runtime_free(runtime);
}

static void test_no_device(void **state)
{
	(void)state;
	fake_metal.no_device = true;
	expect_no_device("no device");
	fake_metal_reset();
	fake_metal.no_queue = true;
	expect_no_device("queue");
	fake_metal_reset();
	fake_metal.bad_shader = true;
	expect_no_device("error: planted");
}

static void expect_attach_fails(quire_status expected)
{
	const struct fake_metal broken = fake_metal;
	quire_model *model = model_open();
	quire_runtime *runtime;
	quire_runtime_info info;
	quire_error error;

	fake_metal_reset();
	fake_metal = broken;
	runtime = runtime_open(QUIRE_DEVICE_METAL);
	assert_int_equal(quire_runtime_attach(runtime, model, &error),
			 expected);
	quire_runtime_describe(runtime, &info);
	assert_int_equal(info.mapped_size + info.copied_size, 0);
	/* A later attach may succeed. */
	fake_metal_reset();
	runtime_attach(runtime, model);
	run_whole(runtime, quire_model_linear(model, 0), 1, QUIRE_F32,
		  QUIRE_F32);
	quire_runtime_free(runtime);
	quire_model_close(model);
}

static void test_attach_fails(void **state)
{
	(void)state;
	fake_metal.no_view = true;
	expect_attach_fails(QUIRE_ERROR_UNSUPPORTED);
	fake_metal.empty_view = true;
	expect_attach_fails(QUIRE_ERROR_UNSUPPORTED);
	fake_metal.not_unified = true;
	fake_metal.failing_buffer = 0;
	expect_attach_fails(QUIRE_ERROR_MEMORY);
	/* The second of several views. */
	fake_metal.not_unified = true;
	fake_metal.failing_buffer = 1;
	fake_metal.max_buffer = 4096 * 100;
	expect_attach_fails(QUIRE_ERROR_MEMORY);
	fake_metal.not_unified = true;
	fake_metal.no_command_buffer = true;
	expect_attach_fails(QUIRE_ERROR_MEMORY);
	fake_metal.not_unified = true;
	fake_metal.no_encoder = true;
	expect_attach_fails(QUIRE_ERROR_MEMORY);
	fake_metal.not_unified = true;
	fake_metal.failing_command = 4;
	expect_attach_fails(QUIRE_ERROR_IO);
}

/* Memory that begins at an odd address. */
static void test_unaligned_memory(void **state)
{
	struct guarded memory;
	quire_model *aligned = model_open_aligned(&memory), *model = NULL;
	quire_model_info info;
	quire_runtime *runtime = runtime_open(QUIRE_DEVICE_METAL);
	unsigned char *odd;
	quire_error error;

	(void)state;
	quire_model_describe(aligned, &info);
	odd = malloc((size_t)info.file_size + 1);
	assert_non_null(odd);
	memcpy(odd + 1, memory.data, (size_t)info.file_size);
	assert_int_equal(quire_model_open_memory(odd + 1,
						 (size_t)info.file_size, NULL,
						 &model, NULL),
			 QUIRE_OK);
	assert_int_equal(quire_runtime_attach(runtime, model, &error),
			 QUIRE_ERROR_UNSUPPORTED);
	assert_non_null(strstr(error.message, "aligned"));
	quire_runtime_free(runtime);
	quire_model_close(model);
	quire_model_close(aligned);
	free(odd);
	guarded_free(&memory);
}

/* Some rows of a tensor as a weight, also from an address that the device
 * cannot read. */
static void test_unaligned_rows(void **state)
{
	quire_model *model = model_open();
	quire_runtime *runtime = runtime_open(QUIRE_DEVICE_METAL);
	quire_linear linear = *quire_model_linear(model, 0);
	quire_tensor rows = *linear.weight;
	struct run run = { .linear = &linear, .m = 1 };

	(void)state;
	runtime_attach(runtime, model);
	linear.weight = &rows;
	linear.bias = NULL;
	rows.data = (const unsigned char *)rows.data + 18 * 12 * 3 + 2;
	rows.shape[1] = linear.n = 20;
	rows.size = 20 * 18 * 12;
	run_create(&run, 1);
	assert_int_equal(run_try(&run, runtime, NULL), QUIRE_ERROR_ARGUMENT);
	rows.data = (const unsigned char *)rows.data - 2;
	run_do(&run, runtime);
	run_check(&run);
	run_free(&run);
	quire_runtime_free(runtime);
	quire_model_close(model);
}

static void expect_run_fails(quire_status expected)
{
	const struct fake_metal broken = fake_metal;
	quire_model *model = model_open();
	struct run run = { .linear = quire_model_linear(model, 0), .m = 12 };
	quire_runtime *runtime;
	quire_error error;

	fake_metal_reset();
	runtime = runtime_open(QUIRE_DEVICE_METAL);
	runtime_attach(runtime, model);
	run_create(&run, 1);
	fake_metal = broken;
	assert_int_equal(run_try(&run, runtime, &error), expected);
	assert_true(strlen(error.message) > 0);
	run_check_untouched(&run);
	/* Then it recovers. */
	fake_metal_reset();
	run_do(&run, runtime);
	run_check(&run);
	run_free(&run);
	quire_runtime_free(runtime);
	quire_model_close(model);
}

static void test_run_fails(void **state)
{
	(void)state;
	fake_metal.failing_command = 4; /* a page fault */
	expect_run_fails(QUIRE_ERROR_IO);
	fake_metal.failing_command = 8; /* out of memory */
	expect_run_fails(QUIRE_ERROR_MEMORY);
	fake_metal.failing_buffer = 0;
	expect_run_fails(QUIRE_ERROR_MEMORY);
	fake_metal.no_command_buffer = true;
	expect_run_fails(QUIRE_ERROR_MEMORY);
	fake_metal.no_encoder = true;
	expect_run_fails(QUIRE_ERROR_MEMORY);
	fake_metal.no_function = true;
	expect_run_fails(QUIRE_ERROR_UNSUPPORTED);
	fake_metal.no_pipeline = true;
	expect_run_fails(QUIRE_ERROR_UNSUPPORTED);
	fake_metal.simd_width = 64;
	expect_run_fails(QUIRE_ERROR_UNSUPPORTED);
	fake_metal.max_threads = 64;
	expect_run_fails(QUIRE_ERROR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_METAL_TEST(test_selectors),
		FAKE_METAL_TEST(test_views),
		FAKE_METAL_TEST(test_tensor_too_large),
		FAKE_METAL_TEST(test_pages),
		FAKE_METAL_TEST(test_not_unified),
		FAKE_METAL_TEST(test_simdgroup_matrices),
		FAKE_METAL_TEST(test_no_device),
		FAKE_METAL_TEST(test_attach_fails),
		FAKE_METAL_TEST(test_unaligned_memory),
		FAKE_METAL_TEST(test_unaligned_rows),
		FAKE_METAL_TEST(test_run_fails),
	};

	return cmocka_run_group_tests(tests, model_set_up, model_tear_down);
}
